//! Shapes, with those that hold them.

use crate::Shape;

/// A shape, and what holds it.
#[derive(Clone, Copy)]
pub(super) struct Frame<'a> {
    /// With [`Shape::Above`] replaced by what it stands for: by [`Shape::Any`] when that is not there.
    pub(super) shape: &'a Shape,
    above: Option<&'a Frame<'a>>,
    /// How many hold it.
    pub(super) depth: usize,
}

impl<'a> Frame<'a> {
    /// What nothing holds.
    pub(super) const fn root(shape: &'a Shape) -> Self {
        Self {
            shape: match shape {
                Shape::Above(_) => &Shape::Any,
                shape => shape,
            },
            above: None,
            depth: 0,
        }
    }

    /// What is held by this. What stands for another shape is held by what holds that.
    pub(super) fn within(&'a self, shape: &'a Shape) -> Self {
        let depth = self.depth + 1;
        let Shape::Above(steps) = shape else {
            return Self {
                shape,
                above: Some(self),
                depth,
            };
        };
        let mut frame = Some(self);
        for _ in 1..*steps {
            frame = frame.and_then(|frame| frame.above);
        }
        match frame {
            Some(frame) => Self { depth, ..*frame },
            None => Self {
                depth,
                ..Self::root(&Shape::Any)
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn above_is_what_holds_it() {
        let outer = Shape::array_of(Shape::Any);
        let root = Frame::root(&outer);
        let element = root.within(&Shape::Boolean);
        assert_eq!(element.within(&Shape::Above(1)).shape, &Shape::Boolean);
        let again = element.within(&Shape::Above(2));
        assert_eq!((again.shape, again.depth), (&outer, 2));
        assert_eq!(again.within(&Shape::Above(1)).shape, &outer);
        assert_eq!(
            again.within(&Shape::Above(2)).shape,
            &Shape::Any,
            "nothing holds it"
        );
        assert_eq!(again.within(&Shape::Above(9)).shape, &Shape::Any);
        assert_eq!(Frame::root(&Shape::Above(1)).shape, &Shape::Any);
    }
}
