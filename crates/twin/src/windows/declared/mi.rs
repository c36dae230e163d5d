//! F4.11: providers of DSC resources, as stand-ins for the native ones that a customer installs.

use std::collections::BTreeMap;

use ordain_windows::declared::{Dsc, Parameter};
use ordain_windows::secret::Secret;

/// The values of a resource, by name.
pub(super) type Values = BTreeMap<String, String>;

/// Which resource: namespace and class in lower case, and its keys.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Resource {
    class: (String, String),
    keys: Values,
}

/// A provider of one class of resources.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Provider {
    /// The names of the parameters that say which resource is meant.
    pub keys: Vec<String>,
    /// The names of the others.
    pub values: Vec<String>,
    /// The resources that are there: the values of the keys, and what is set.
    pub resources: BTreeMap<BTreeMap<String, String>, BTreeMap<String, String>>,
    /// The HRESULT that `GetTargetResource` fails with.
    pub get_fails: Option<u32>,
    /// The HRESULT that `TestTargetResource` fails with.
    pub test_fails: Option<u32>,
    /// The HRESULT that `SetTargetResource` fails with.
    pub set_fails: Option<u32>,
}

/// The providers of a device, by namespace and class, without case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Providers(BTreeMap<(String, String), Provider>);

impl Default for Providers {
    /// The one of Microsoft's sample.
    fn default() -> Self {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let files = Provider {
            keys: names(&["DestinationPath"]),
            values: names(&["SourcePath", "Contents"]),
            ..Provider::default()
        };
        let mut providers = Self(BTreeMap::new());
        *providers.provider(
            "root/Microsoft/Windows/DesiredStateConfiguration",
            "MSFT_FileDirectoryConfiguration",
        ) = files;
        providers
    }
}

/// E_INVALIDARG.
const INVALID: u32 = 0x8007_0057;

impl Providers {
    /// The provider of that class; one that knows no parameters if there was none.
    pub fn provider(&mut self, namespace: &str, class: &str) -> &mut Provider {
        self.0.entry(class_of(namespace, class)).or_default()
    }

    pub(super) fn find(&mut self, dsc: &Dsc) -> Option<&mut Provider> {
        self.0.get_mut(&class_of(&dsc.namespace, &dsc.class))
    }

    pub(super) fn restore(&mut self, resource: &Resource, before: Option<Values>) {
        if let Some(provider) = self.0.get_mut(&resource.class) {
            match before {
                Some(values) => provider.resources.insert(resource.keys.clone(), values),
                None => provider.resources.remove(&resource.keys),
            };
        }
    }
}

fn class_of(namespace: &str, class: &str) -> (String, String) {
    let namespace = namespace.replace('\\', "/");
    (namespace.to_ascii_lowercase(), class.to_ascii_lowercase())
}

fn values(parameters: &[Parameter]) -> Values {
    let one = |parameter: &Parameter| (parameter.name.clone(), parameter.value.expose().to_owned());
    parameters.iter().map(one).collect()
}

pub(super) fn resource(dsc: &Dsc) -> Resource {
    Resource {
        class: class_of(&dsc.namespace, &dsc.class),
        keys: values(&dsc.keys),
    }
}

impl Provider {
    /// Whether the parameters are those of the class.
    fn check(&self, dsc: &Dsc) -> Result<(), u32> {
        let keys = values(&dsc.keys);
        let has_keys = keys.len() == self.keys.len() && self.keys.iter().all(|key| keys.contains_key(key));
        match has_keys && dsc.values.iter().all(|value| self.values.contains(&value.name)) {
            true => Ok(()),
            false => Err(INVALID),
        }
    }

    /// What there is of a resource.
    pub(super) fn now(&self, dsc: &Dsc) -> Option<Values> {
        self.resources.get(&values(&dsc.keys)).cloned()
    }

    /// `TestTargetResource`.
    pub(super) fn test(&self, dsc: &Dsc) -> Result<bool, u32> {
        self.check(dsc)?;
        if let Some(error) = self.test_fails {
            return Err(error);
        }
        let now = self.now(dsc);
        let mut wanted = values(&dsc.values).into_iter();
        Ok(now.is_some_and(|now| wanted.all(|(name, value)| now.get(&name) == Some(&value))))
    }

    /// `SetTargetResource`.
    pub(super) fn set(&mut self, dsc: &Dsc) -> Result<(), u32> {
        self.check(dsc)?;
        if let Some(error) = self.set_fails {
            return Err(error);
        }
        let resource = self.resources.entry(values(&dsc.keys)).or_default();
        resource.extend(values(&dsc.values));
        Ok(())
    }

    /// `GetTargetResource`: the values that are asked for, or all if none is.
    pub(super) fn get(&self, dsc: &Dsc) -> Result<Vec<Parameter>, u32> {
        self.check(dsc)?;
        if let Some(error) = self.get_fails {
            return Err(error);
        }
        // ERROR_NOT_FOUND
        let now = self.now(dsc).ok_or(0x8007_0490_u32)?;
        let all = self.values.iter();
        let asked =
            all.filter(|name| dsc.values.is_empty() || dsc.values.iter().any(|value| value.name == **name));
        let one = |name: &String| Parameter {
            name: name.clone(),
            value: Secret::new(now.get(name).cloned().unwrap_or_default()),
        };
        Ok(asked.map(one).collect())
    }
}
