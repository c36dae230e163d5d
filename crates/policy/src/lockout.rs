//! What could cut devices off from the server: they could not be told to take it back.
//!
//! Only what the text shows is told. Firewalls of devices and restrictions of apps are no concern: the one refuses what
//! comes in, the others what users do, and management goes out from the system itself.

mod host;
mod removal;

use std::collections::BTreeMap;

use crate::compile::Compiler;
use crate::declaration::Draft;
use crate::problem::{Place, quoted};
use crate::tree::{Node, Value};

use host::{Host, is_private};

/// Looks at the payload of a declaration or of a profile's payload, for what stands between devices and the host.
type Look = fn(&Node, &Host) -> Vec<Cut>;

/// What could cut devices off.
struct Cut {
    place: Place,
    /// What it does, and what to do about it.
    why: String,
}

/// By the type of a declaration or of a profile's payload.
const LOOKS: &[(&str, Look)] = &[
    ("com.apple.configuration.network.dns-settings", dns_settings),
    ("com.apple.configuration.network.relay", relay),
    ("com.apple.configuration.network.vpn.always-on", always_on),
    ("com.apple.configuration.webcontent-filter.plugin", url_filter),
    ("com.apple.dnsSettings.managed", dns_settings),
    ("com.apple.familycontrols.contentfilter", parental_controls),
    ("com.apple.proxy.http.global", global_proxy),
    ("com.apple.relay.managed", relay),
    ("com.apple.vpn.managed", vpn),
    ("com.apple.webcontent-filter", web_filter),
];

impl Compiler<'_> {
    /// Warns of declarations and profiles that could cut devices off.
    pub(crate) fn warn_of_cuts(&mut self, drafts: &BTreeMap<String, Draft<'_>>) {
        let Some(host) = Host::of(self.public_url) else {
            return;
        };
        for draft in drafts.values() {
            let own = draft.type_name().map(|name| (name, &draft.payload));
            let carried = draft
                .carried
                .iter()
                .map(|payload| (payload.type_name.as_str(), &payload.keys));
            for (type_name, payload) in own.into_iter().chain(carried) {
                let looks = LOOKS.iter().filter(|(name, _)| *name == type_name);
                for cut in looks.flat_map(|(_, look)| look(payload, &host)) {
                    let message = format!(
                        "{} could cut devices off from this server, {}: {}",
                        quoted(&draft.identifier),
                        quoted(host.as_str()),
                        cut.why
                    );
                    self.problems.warning(cut.place, message);
                }
            }
        }
    }
}

/// Apple's own web filter; those of others keep their rules to themselves.
fn web_filter(payload: &Node, host: &Host) -> Vec<Cut> {
    match text(payload, "FilterType") {
        None | Some("BuiltIn") => {
            let mut cuts = denials(payload, &["DenyListURLs", "BlacklistedURLs"], host);
            cuts.extend(omissions(
                payload,
                &["AllowListBookmarks", "WhitelistedBookmarks"],
                "URL",
                host,
            ));
            cuts
        }
        Some(_) if payload.get("ContentFilterUUID").is_some() || !is_true(payload.get("FilterURLs")) => {
            Vec::new()
        }
        Some(_) => closed(payload.pointer("/URLFilterParameters/URLFilterFailClosed")),
    }
}

/// With a UUID, a filter is for managed apps alone.
fn url_filter(payload: &Node, _: &Host) -> Vec<Cut> {
    if payload.get("ContentFilterUUID").is_some() || !is_true(payload.pointer("/Filter/URLs/Enabled")) {
        return Vec::new();
    }
    closed(payload.pointer("/Filter/URLs/Parameters/FailClosed"))
}

fn closed(fails: Option<&Node>) -> Vec<Cut> {
    let why = "it blocks every URL while its own server cannot be asked; let it fail open";
    cut_if(fails.filter(|fails| is_true(Some(fails))), why)
}

fn parental_controls(payload: &Node, host: &Host) -> Vec<Cut> {
    if !is_true(payload.get("restrictWeb")) {
        return Vec::new();
    }
    let mut cuts = Vec::new();
    if is_true(payload.get("useContentFilter")) {
        cuts.extend(denials(payload, &["filterDenyList", "filterBlacklist"], host));
    }
    if is_true(payload.get("allowListEnabled")) || is_true(payload.get("whitelistEnabled")) {
        cuts.extend(omissions(
            payload,
            &["siteAllowList", "siteWhitelist"],
            "address",
            host,
        ));
    }
    cuts
}

/// Entries of deny lists that mean the host.
fn denials(payload: &Node, lists: &[&str], host: &Host) -> Vec<Cut> {
    let entries = lists
        .iter()
        .flat_map(|list| items(payload, list).iter().map(move |entry| (list, entry)));
    entries
        .filter(|(_, entry)| entry.as_text().is_some_and(|entry| host.is_meant_by(entry)))
        .map(|(list, entry)| Cut {
            place: entry.place,
            why: format!("`{list}` denies it; take it out of the list"),
        })
        .collect()
}

/// Allow lists, of objects that have the address under `key`, none of which means the host.
fn omissions(payload: &Node, lists: &[&str], key: &str, host: &Host) -> Vec<Cut> {
    let means_host = |entry: &Node| text(entry, key).is_some_and(|entry| host.may_be_meant_by(entry));
    if lists
        .iter()
        .any(|list| items(payload, list).iter().any(means_host))
    {
        return Vec::new();
    }
    let list = lists.iter().find_map(|list| {
        Some((
            list,
            payload.get(list).filter(|_| !items(payload, list).is_empty())?,
        ))
    });
    list.map(|(list, node)| Cut {
        place: node.place,
        why: format!("`{list}` allows other addresses only; add its own to the list"),
    })
    .into_iter()
    .collect()
}

/// Only settings that users cannot lift, that have no way around the resolver, and that are said to be for the host, or
/// whose resolver cannot be reached from everywhere.
fn dns_settings(payload: &Node, host: &Host) -> Vec<Cut> {
    let Some(settings) = payload.get("DNSSettings") else {
        return Vec::new();
    };
    let is_lifted = |rule: &Node| {
        let exceptions = items(rule, "ActionParameters").iter();
        text(rule, "Action") == Some("Disconnect")
            || exceptions
                .filter(|exception| text(exception, "DomainAction") == Some("NeverConnect"))
                .any(|exception| domains(exception, "Domains").any(|domain| host.is_in(domain)))
    };
    if !is_true(payload.get("ProhibitDisablement"))
        || is_true(settings.get("AllowFailover"))
        || items(payload, "OnDemandRules").iter().any(is_lifted)
    {
        return Vec::new();
    }
    let matching = settings.get("SupplementalMatchDomains");
    let addresses = items(settings, "ServerAddresses");
    let is_private = !addresses.is_empty()
        && addresses
            .iter()
            .all(|address| address.as_text().is_some_and(is_private));
    match matching {
        Some(list) if domains(settings, "SupplementalMatchDomains").any(|domain| host.is_in(domain)) => {
            cut_if(
                Some(list),
                "its name is resolved by this resolver alone; take it out of `SupplementalMatchDomains`, or set `AllowFailover`",
            )
        }
        None if is_private => cut_if(
            settings.get("ServerAddresses"),
            "every name is resolved by this resolver alone, which other networks cannot reach; set `AllowFailover`",
        ),
        _ => Vec::new(),
    }
}

fn global_proxy(payload: &Node, _: &Host) -> Vec<Cut> {
    match text(payload, "ProxyType") {
        None | Some("Manual") => cut_if(
            payload.get("ProxyServer"),
            "every connection goes through this proxy, which must let it pass and be reachable from everywhere",
        ),
        Some(_) if is_true(payload.get("ProxyPACFallbackAllowed")) => Vec::new(),
        Some(_) => cut_if(
            payload.get("ProxyPACURL"),
            "nothing is connected while this file cannot be loaded; set `ProxyPACFallbackAllowed`",
        ),
    }
}

/// With a UUID, a relay is for managed apps alone.
fn relay(payload: &Node, host: &Host) -> Vec<Cut> {
    let is_listed = |list: &str| domains(payload, list).any(|domain| host.is_in(domain));
    let is_named = |list: &str| domains(payload, list).any(|name| host.is(name));
    let lists = ["MatchDomains", "MatchFQDNs"];
    let is_for_all = lists.iter().all(|list| items(payload, list).is_empty());
    let is_relayed = is_for_all || is_listed("MatchDomains") || is_named("MatchFQDNs");
    if payload.get("RelayUUID").is_some()
        || !is_relayed
        || is_listed("ExcludedDomains")
        || is_named("ExcludedFQDNs")
    {
        return Vec::new();
    }
    cut_if(
        payload.get("Relays"),
        "what devices send to it goes through these relays; add it to `ExcludedDomains`",
    )
}

fn vpn(payload: &Node, host: &Host) -> Vec<Cut> {
    let always_on_keys = payload.get("AlwaysOn");
    match text(payload, "VPNType") {
        Some("AlwaysOn") => always_on_keys.map_or_else(Vec::new, |keys| always_on(keys, host)),
        _ => Vec::new(),
    }
}

/// Its exceptions are for certain services and apps, of which device management is none.
fn always_on(payload: &Node, _: &Host) -> Vec<Cut> {
    let toggle = payload.get("UIToggleEnabled");
    if is_true(toggle) || toggle.is_some_and(|toggle| toggle.value == Value::Integer(1)) {
        return Vec::new();
    }
    cut_if(
        payload.get("TunnelConfigurations"),
        "all traffic goes through this tunnel, and users cannot switch it off; make sure that it can be reached there, or \
         set `UIToggleEnabled`",
    )
}

fn cut_if(node: Option<&Node>, why: &str) -> Vec<Cut> {
    node.map(|node| Cut {
        place: node.place,
        why: why.to_owned(),
    })
    .into_iter()
    .collect()
}

fn is_true(node: Option<&Node>) -> bool {
    node.is_some_and(|node| node.value == Value::Bool(true))
}

fn text<'a>(node: &'a Node, key: &str) -> Option<&'a str> {
    node.get(key)?.as_text()
}

fn items<'a>(node: &'a Node, key: &str) -> &'a [Node] {
    match node.get(key).map(|list| &list.value) {
        Some(Value::List(items)) => items,
        _ => &[],
    }
}

fn domains<'a>(node: &'a Node, key: &str) -> impl Iterator<Item = &'a str> {
    items(node, key).iter().filter_map(Node::as_text)
}
