//! The door for devices that have their certificate: it alone tells which device sends a message, and on which channel.

use ordain_model::checkin::{Presented, Refusal};
use ordain_model::ids::Channel;
use ordain_model::windows::enroll;

use crate::app::App;
use crate::device::fault::Fault;
use crate::device::scene::{ATTEMPTS, Scene, contended};

impl App {
    /// Lets in the Windows device whose identity was `presented`, if it is that of such a `channel`, and nobody else. With
    /// its first message the enrollment is complete, and a certificate that was issued to renew the pinned one takes its
    /// place.
    pub(crate) async fn windows_scene(
        &self,
        channel: Channel,
        presented: &Presented,
    ) -> Result<Scene, Fault> {
        // A certificate belongs to one enrollment for ever.
        let identity = self.store.identity(presented.pin.fingerprint).await?;
        let id = identity.and_then(|identity| identity.enrollment);
        let id = id.ok_or(Refusal::NotEnrolled)?;
        if id.channel() != channel {
            return Err(Refusal::ForeignIdentity.into());
        }
        for _ in 0..ATTEMPTS {
            let scene = self.scene_by(enroll::admit, &id, presented).await?;
            let Some(decision) = enroll::arrived(scene.device()?, scene.channel()?, scene.now) else {
                return Ok(scene);
            };
            self.settle(&scene.state, Ok(decision)).await?;
        }
        Err(contended())
    }
}
