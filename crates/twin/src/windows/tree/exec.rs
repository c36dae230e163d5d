//! F2.11: what nodes do on `Exec`.

use ordain_catalog::windows::Found;
use ordain_windows::syncml::Item;
use ordain_windows::syncml::loc_uri::LocUri;
use ordain_windows::syncml::status::StatusCode;

use super::job::{Job, Kind};
use super::{Refusal, Scene, Value, checks};

/// What a command makes happen after the session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::windows) enum Effect {
    /// The device is wiped, in this way.
    Wipe(String),
    /// It is rebooted.
    Reboot,
    /// The polling schedule begins anew.
    Reschedule,
    /// The certificate is renewed.
    Renew,
    /// The device enrolls for documents, beside its account.
    Link,
    /// That enrollment is given up.
    Unlink,
    /// The account is given up: at once, and without a status.
    Unenroll,
    /// Something else is done, under this name.
    Do(String),
}

impl Scene<'_> {
    pub(super) fn exec(&mut self, found: &Found<'_>, uri: &LocUri, item: &Item) -> Result<(), Refusal> {
        let names: Vec<_> = uri.segments.iter().map(String::as_str).collect();
        let ["Vendor", "MSFT", csp, below @ ..] = &*names else {
            return Err(Refusal::of(StatusCode::UNSUPPORTED_FEATURE));
        };
        let effect = match (*csp, below) {
            ("RemoteWipe", [.., kind]) => Effect::Wipe((*kind).to_owned()),
            ("Reboot", ["RebootNow"]) => Effect::Reboot,
            ("DMClient", ["Unenroll"] | ["Provider", _, "Unenroll"]) => Effect::Unenroll,
            ("CertificateStore", [.., "RenewNow"]) => Effect::Renew,
            ("Defender", ["Scan"]) => {
                let value = self.judged(found, item)?;
                Effect::Do(format!("Defender/Scan {}", value.data))
            }
            ("Defender" | "BitLocker", [.., action]) => Effect::Do(format!("{csp}/{action}")),
            ("EnterpriseDesktopAppManagement", ["MSI", code, "DownloadInstall"]) => {
                return self.install(found, uri, code, item);
            }
            ("ClientCertificateInstall", ["SCEP", _, "Install", "Enroll"]) => {
                return self.enroll_by_scep(uri);
            }
            ("DMClient", ["Provider", provider, "LinkedEnrollment", "Enroll"]) => {
                let endpoint = ["LinkedEnrollment", "DiscoveryEndpoint"];
                match self.tree.provider_text(provider, &endpoint) {
                    // ERROR_FILE_NOT_FOUND
                    None | Some("") => return Err(Refusal::failed(0x8007_0002)),
                    Some(_) => Effect::Link,
                }
            }
            ("DMClient", ["Provider", _, "LinkedEnrollment", "Unenroll"]) => Effect::Unlink,
            _ => return Err(Refusal::of(StatusCode::UNSUPPORTED_FEATURE)),
        };
        self.effects.push(effect);
        Ok(())
    }

    /// Begins to install a package. Its node was added before, and the job is for the product of the node.
    fn install(&mut self, found: &Found<'_>, uri: &LocUri, code: &str, item: &Item) -> Result<(), Refusal> {
        if self.tree.get(uri).is_none() {
            return Err(Refusal::missing());
        }
        let Value { data, .. } = self.judged(found, item)?;
        let job = checks::xml(&data).ok_or(Refusal::invalid())?;
        let root = job.root_element();
        let text = |name: &str| {
            let mut all = root.descendants();
            let found = all.find(|node| node.tag_name().name() == name);
            found.and_then(|node| node.text()).unwrap_or_default().trim()
        };
        let hash = text("FileHash");
        let is_job = root.tag_name().name() == "MsiInstallJob"
            && root
                .attribute("id")
                .is_some_and(|id| id.eq_ignore_ascii_case(code))
            && text("ContentURL").starts_with("https://")
            && hash.len() == 64
            && hash.bytes().all(|digit| digit.is_ascii_hexdigit());
        if !is_job {
            return Err(Refusal::invalid());
        }
        let product = root
            .descendants()
            .find(|node| node.tag_name().name() == "Product");
        let version = product.and_then(|product| product.attribute("Version"));
        let kind = Kind::Msi {
            version: version.unwrap_or_default().to_owned(),
        };
        let hresult = self.tree.products.get(code).copied().unwrap_or(0);
        self.begin(uri, 1, kind, hresult);
        self.effects.push(Effect::Do(format!("install {code}")));
        Ok(())
    }

    fn enroll_by_scep(&mut self, uri: &LocUri) -> Result<(), Refusal> {
        let mut server = uri.clone();
        server.segments.pop();
        server.segments.push("ServerURL".to_owned());
        if self.tree.get(&server).is_none() {
            return Err(Refusal::invalid());
        }
        self.begin(uri, 2, Kind::Scep, 0);
        Ok(())
    }

    /// Installs what a PFX file has, whose password and place are told before it.
    pub(super) fn install_pfx(&mut self, blob: &LocUri) {
        let mut key = blob.clone();
        key.segments.pop();
        key.segments.push("KeyLocation".to_owned());
        // ERROR_NOT_FOUND
        let hresult = if self.tree.get(&key).is_none() { 1168 } else { 0 };
        self.begin(blob, 1, Kind::Pfx, hresult);
    }

    /// Begins a job of the node that is `up` above.
    fn begin(&mut self, uri: &LocUri, up: usize, kind: Kind, hresult: u32) {
        let mut node = uri.clone();
        node.segments.truncate(uri.segments.len().saturating_sub(up));
        let job = Job {
            kind,
            done: self.now.saturating_add(self.pc.job_seconds),
            hresult,
            is_told: false,
        };
        self.tree.set.jobs.insert(node, job);
    }
}
