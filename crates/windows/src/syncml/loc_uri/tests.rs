use proptest::prelude::*;

use super::*;

#[test]
fn addresses_of_nodes() {
    let parse = |text: &str| LocUri::parse(text).unwrap();
    for same in [
        "./Device/Vendor/MSFT/WiFi/Profile/Lab%20net",
        "./Vendor/MSFT/WiFi/Profile/Lab net",
    ] {
        let uri = parse(same);
        assert_eq!((uri.scope, uri.segments.len()), (Scope::Device, 5));
        assert_eq!(uri.to_string(), "./Device/Vendor/MSFT/WiFi/Profile/Lab%20net");
    }
    let user = parse("./User/Vendor/MSFT/Policy?list=StructData");
    assert_eq!(
        (user.scope, user.query.as_deref()),
        (Scope::User, Some("list=StructData"))
    );
    assert_eq!(user.segments, ["Vendor", "MSFT", "Policy"]);
    assert_eq!(parse("./DevInfo/DevId").to_string(), "./DevInfo/DevId");
    assert_eq!(parse("./Device/Vendor/MSI/%7B1%7D").segments[2], "{1}");
    let long = format!("./{}", "a/".repeat(64)) + "a";
    for bad in [
        "", "/a", ".", "DevInfo", "./", "./a//b", "./a/", "./a/../b", "./a/./b", "./%zz", "./%e", "./%FF",
        "./a%00", &long,
    ] {
        assert_eq!(LocUri::parse(bad).is_ok(), bad == "./", "{bad}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn addresses_survive(text in "[./a-c%2 {}~?üE-]{0,30}") {
        if let Ok(uri) = LocUri::parse(&format!("./{text}")) {
            prop_assert_eq!(LocUri::parse(&uri.to_string()), Ok(uri));
        }
    }
}
