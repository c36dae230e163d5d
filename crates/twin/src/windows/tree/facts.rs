//! What a device says of itself: the nodes that no server sets.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ordain_windows::provisioning::Store;
use ordain_windows::syncml::Format;
use ordain_windows::syncml::loc_uri::LocUri;

use super::job::Kind;
use super::{Tree, Value, device, provider_uri};
use crate::windows::account::Account;
use crate::windows::pc::Pc;

/// The nodes with their values, as they are now.
pub(in crate::windows) type Facts = BTreeMap<LocUri, Value>;

/// The newest `SyncApplicationVersion` that the client knows.
pub(super) const MAX_SYNC_APPLICATION_VERSION: &str = "5.0";

pub(super) fn base64(octets: &[u8]) -> String {
    STANDARD.encode(octets)
}

/// A time as Windows writes it.
pub(super) fn time(at: i64) -> String {
    jiff::Timestamp::from_second(at)
        .map(|at| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
        .unwrap_or_default()
}

impl Tree {
    /// What a device says of itself over one of its accounts.
    pub(in crate::windows) fn facts(&self, pc: &Pc, account: &Account, now: i64) -> Facts {
        let mut facts = Facts::new();
        let mut put = |path: &str, format: Format, data: &str| {
            let names: Vec<_> = path.split('/').collect();
            facts.insert(device(&names), Value::new(format, data));
        };
        for (path, data) in [
            ("DevInfo/DevId", account.device_id.as_str()),
            ("DevInfo/Man", &pc.manufacturer),
            ("DevInfo/Mod", &pc.model),
            ("DevInfo/DmV", "1.3"),
            ("DevInfo/Lang", &pc.locale),
            ("DevDetail/SwV", &pc.version),
            ("DevDetail/HwV", "1.0"),
            ("DevDetail/FwV", "1.0"),
            ("DevDetail/OEM", &pc.manufacturer),
            ("DevDetail/DevTyp", &pc.model),
            ("DevDetail/URI/MaxDepth", "0"),
            ("DevDetail/URI/MaxTotLen", "0"),
            ("DevDetail/URI/MaxSegLen", "0"),
            ("DevDetail/Ext/Microsoft/DeviceName", &pc.name),
            ("DevDetail/Ext/Microsoft/DNSComputerName", &pc.name),
            ("DevDetail/Ext/Microsoft/OSPlatform", "Windows"),
            ("DevDetail/Ext/Microsoft/ProcessorArchitecture", "9"),
            ("DevDetail/Ext/Microsoft/ProcessorType", "8664"),
            ("DevDetail/Ext/Microsoft/SMBIOSSerialNumber", &pc.serial),
            ("DevDetail/Ext/Microsoft/SMBIOSVersion", "3.3"),
            ("DevDetail/Ext/Microsoft/SystemSKU", &pc.model),
            ("DevDetail/Ext/Microsoft/TotalRAM", "16384"),
            ("DevDetail/Ext/Microsoft/TotalStorage", "488386"),
            ("DevDetail/Ext/Microsoft/FreeStorage", "201500"),
            ("DevDetail/Ext/Microsoft/Resolution", "1920x1080x32"),
            ("DevDetail/Ext/DeviceHardwareData", &pc.hardware_id),
            (
                "DevDetail/Ext/WLANMACAddress",
                pc.macs.first().map_or("", String::as_str),
            ),
            ("Vendor/MSFT/DeviceStatus/SecureBootState", "1"),
            ("Vendor/MSFT/DeviceStatus/Compliance/EncryptionCompliance", "0"),
            ("Vendor/MSFT/DeviceStatus/TPM/SpecificationVersion", "2.0"),
            ("Vendor/MSFT/DeviceStatus/OS/Edition", &pc.edition.to_string()),
            ("Vendor/MSFT/DeviceStatus/OS/Mode", "0"),
            ("Vendor/MSFT/DeviceStatus/Antivirus/Status", "0"),
            ("Vendor/MSFT/DeviceStatus/Antivirus/SignatureStatus", "1"),
            ("Vendor/MSFT/DeviceStatus/Antispyware/Status", "0"),
            ("Vendor/MSFT/DeviceStatus/Antispyware/SignatureStatus", "1"),
            ("Vendor/MSFT/DeviceStatus/Firewall/Status", "0"),
            ("Vendor/MSFT/DeviceStatus/DomainName", ""),
            (
                "Vendor/MSFT/DeviceStatus/DeviceGuard/VirtualizationBasedSecurityHwReq",
                "0",
            ),
            (
                "Vendor/MSFT/DeviceStatus/DeviceGuard/VirtualizationBasedSecurityStatus",
                "4",
            ),
            ("Vendor/MSFT/DeviceStatus/DeviceGuard/LsaCfgCredGuardStatus", "3"),
        ] {
            put(path, Format::Chr, data);
        }
        put("DevDetail/LrgObj", Format::Bool, "true");
        put("DevDetail/Ext/Microsoft/LocalTime", Format::Chr, &time(now));
        for (path, data) in [
            ("Vendor/MSFT/DeviceStatus/UAC/Status", "0"),
            ("Vendor/MSFT/DeviceStatus/Battery/Status", "0"),
            ("Vendor/MSFT/DeviceStatus/Battery/EstimatedChargeRemaining", "-1"),
            ("Vendor/MSFT/DeviceStatus/Battery/EstimatedRuntime", "-1"),
            ("Vendor/MSFT/RemoteWipe/AutomaticRedeployment/Status", "0"),
            ("Vendor/MSFT/RemoteWipe/AutomaticRedeployment/LastError", "0"),
            ("Vendor/MSFT/BitLocker/Status/DeviceEncryptionStatus", "0"),
            ("Vendor/MSFT/Defender/Health/ComputerState", "0"),
        ] {
            put(path, Format::Int, data);
        }
        for (path, data) in [
            ("Vendor/MSFT/Defender/Health/DefenderEnabled", "true"),
            ("Vendor/MSFT/Defender/Health/RtpEnabled", "true"),
        ] {
            put(path, Format::Bool, data);
        }
        for (index, mac) in pc.macs.iter().enumerate() {
            let at = |name: &str| format!("Vendor/MSFT/DeviceStatus/NetworkIdentifiers/{mac}/{name}");
            put(&at("IPAddressV4"), Format::Chr, &format!("192.0.2.{}", index + 1));
            put(
                &at("IsConnected"),
                Format::Bool,
                if index == 0 { "true" } else { "false" },
            );
            put(&at("Type"), Format::Int, if index == 0 { "1" } else { "2" });
        }
        self.account_facts(&mut facts, pc, account);
        self.job_facts(&mut facts, now);
        facts
    }

    fn account_facts(&self, facts: &mut Facts, pc: &Pc, account: &Account) {
        let provider = &account.provider_id;
        let mut put = |path: &[&str], format: Format, data: &str| {
            facts.insert(provider_uri(provider, path), Value::new(format, data));
        };
        put(&["HWDevID"], Format::Chr, &pc.hardware_id);
        let enrollment_type = match account.store {
            Store::User => "Full",
            Store::System => "Device",
        };
        put(&["EnrollmentType"], Format::Chr, enrollment_type);
        put(
            &["MaxSyncApplicationVersion"],
            Format::Chr,
            MAX_SYNC_APPLICATION_VERSION,
        );
        let address = &account.application.address;
        put(&["ManagementServiceAddress"], Format::Chr, address);
        put(
            &["ManagementServerAddressList"],
            Format::Chr,
            &format!("<{address}>"),
        );
        if let Some(at) = account.renewing.renewed {
            put(&["CertRenewTimeStamp"], Format::Chr, &time(at));
        }
        if let Some(package) = self.provider_text(provider, &["Push", "PFN"]) {
            let channel = account.channel.as_ref();
            let channel = channel.filter(|channel| channel.package == package);
            let uri = channel.and_then(|channel| channel.uri.as_deref());
            // No channel as long as WNS has not answered; an invalid PFN when it knows no such package.
            let status = match (channel, uri) {
                (None, _) => "4",
                (Some(_), None) => "1",
                (Some(_), Some(_)) => "0",
            };
            if let Some(uri) = uri {
                put(&["Push", "ChannelURI"], Format::Chr, uri);
            }
            put(&["Push", "Status"], Format::Int, status);
        }
        if account.is_linked {
            for uri in self.documents().abandonable() {
                facts.insert(uri, Value::new(Format::Int, "0"));
            }
            let base = [
                "Vendor",
                "MSFT",
                "DeclaredConfiguration",
                "ManagementServiceConfiguration",
            ];
            for (name, format, value) in [
                ("RefreshInterval", Format::Int, "240"),
                ("CertificateExpirationThreshold", Format::Int, "2880"),
                ("StartSyncSessionOnFailure", Format::Bool, "false"),
                ("ConflictResolution", Format::Int, "0"),
            ] {
                facts.insert(device(&[&base[..], &[name]].concat()), Value::new(format, value));
            }
            return;
        }
        if let Some(id) = &pc.entra_device_id {
            put(&["AADDeviceID"], Format::Chr, id);
        }
        let linking = account.linking;
        for (name, number) in [
            ("EnrollStatus", u32::from(linking.status)),
            ("LastError", linking.error),
        ] {
            let text = number.to_string();
            put(&["LinkedEnrollment", name], Format::Int, &text);
        }
        let renew = |name| device(&["Vendor", "MSFT", "CertificateStore", "My", "WSTEP", "Renew", name]);
        let renewing = &account.renewing;
        facts.insert(
            renew("Status"),
            Value::new(Format::Int, renewing.status.to_string()),
        );
        facts.insert(
            renew("ErrorCode"),
            Value::new(Format::Int, renewing.error.to_string()),
        );
        let thumbprint = account.identity.certificate.thumbprint();
        facts.insert(renew("CertThumbprint"), Value::new(Format::Chr, thumbprint));
        if let Some(at) = renewing.tried {
            facts.insert(renew("LastRenewalAttemptTime"), Value::new(Format::Chr, time(at)));
        }
    }

    fn job_facts(&self, facts: &mut Facts, now: i64) {
        for (node, job) in self.jobs() {
            let mut put = |name: &str, format, data: String| {
                let mut uri = node.clone();
                uri.segments.push(name.to_owned());
                facts.insert(uri, Value::new(format, data));
            };
            let error = if now >= job.done { job.hresult } else { 0 };
            put("Status", Format::Int, job.status(now).to_string());
            match &job.kind {
                Kind::Msi { version } => {
                    put("LastError", Format::Chr, error.to_string());
                    put("Version", Format::Chr, version.clone());
                    if now >= job.done && error == 0 {
                        put("InstallDate", Format::Chr, time(job.done));
                    }
                }
                Kind::Scep => put("ErrorCode", Format::Int, error.to_string()),
                Kind::Pfx => {}
            }
        }
    }
}
