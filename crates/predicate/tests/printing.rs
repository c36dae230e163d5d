//! The canonical text, and the names that a predicate needs.

use ordain_predicate::{Dialect, parse};

#[test]
fn canonical_text() {
    for (text, canonical) in [
        ("1=1", "1 == 1"),
        ("1 <> 2 or 1 =< 2 or 1 => 2", "1 != 2 OR 1 <= 2 OR 1 >= 2"),
        ("!(1 < 2)", "NOT 1 < 2"),
        ("!(1 < 2 && 2 > 1)", "NOT (1 < 2 AND 2 > 1)"),
        ("not NOT truePredicate", "NOT NOT TRUEPREDICATE"),
        ("((1==1) && ((2==2) && 3==3))", "1 == 1 AND 2 == 2 AND 3 == 3"),
        ("1==1 || 2==2 && 3==3", "1 == 1 OR 2 == 2 AND 3 == 3"),
        ("(1==1 || 2==2) && 3==3", "(1 == 1 OR 2 == 2) AND 3 == 3"),
        ("Yes == NO || Null == Nil", "true == false OR nil == nil"),
        (
            r#""it's \"so\" \\ \t" == 'a\u000a\u0007é'"#,
            r#"'it\'s "so" \\ \t' == 'a\n\u0007é'"#,
        ),
        (
            "@status( a.b-c )\n==\t@property(_d)",
            "@status(a.b-c) == @property(_d)",
        ),
        (
            "0x1F == 0o17 || 0b11 != - 5 || 1.50 < 2e3",
            "31 == 15 OR 3 != -5 OR 1.5 < 2000.0",
        ),
        ("some {1,'a'}in[ dc ]{ }", "ANY {1, 'a'} IN[cd] {}"),
        (
            "$a . name == $a.#in.@key( in )[ first ][last][SIZE]",
            "$a.@key(name) == $a.@key(in).@key(in)[FIRST][LAST][SIZE]",
        ),
        (
            "((1)+(2*3))-(4-5)==(1+2)*3",
            "(1 + 2 * 3) - (4 - 5) == (1 + 2) * 3",
        ),
        ("(1 + 2) + 3 == 1 + (2 + 3)", "(1 + 2) + 3 == 1 + (2 + 3)"),
        ("(2**3)**4 == 2**(3**4)", "(2 ** 3) ** 4 == 2 ** (3 ** 4)"),
        ("-(-1) == -(-@property(a))", "1 == -(-@property(a))"),
        ("-(1+2) == -1**2", "-(1 + 2) == -1 ** 2"),
        ("(-1)[0] == (1)[0]", "(-1)[0] == (1)[0]"),
        (
            "(@property(a).b).@avg.c == (1+2).@count",
            "@property(a).@key(b).@avg.@key(c) == (1 + 2).@count",
        ),
        (
            "#Size == self.x || #name == @key(b)",
            "#Size == SELF.@key(x) OR name == @key(b)",
        ),
        (
            "subquery ( {1} , $x , ($x == 1 or (2 == 2)) ).@count = 1",
            "SUBQUERY({1}, $x, $x == 1 OR 2 == 2).@count == 1",
        ),
        (
            "cast(now(),'a') = ternary((1==1),2,(3))",
            "CAST(now(), 'a') == TERNARY(1 == 1, 2, 3)",
        ),
        ("randomn( 1 , 2 ) == abs(-1)", "randomn(1, 2) == abs(-1)"),
        (
            "'a' MATCHES 'b' AND 1 between{1,2}",
            "'a' MATCHES 'b' AND 1 BETWEEN {1, 2}",
        ),
    ] {
        let predicate = parse(text, Dialect::Device).unwrap_or_else(|error| panic!("{}", error.render(text)));
        assert_eq!(predicate.to_string(), canonical);
        assert_eq!(parse(canonical, Dialect::Device), Ok(predicate));
    }
}

#[test]
fn needs_are_the_names_by_kind() {
    let text = "@status(a) == @property(b) OR NOT (SUBQUERY(@status(c.d), $x, $x.@key(k-l) == 1 \
                AND $x.m IN {@property(e)}).@count == 1 AND @status(a) > 2)";
    let predicate = parse(text, Dialect::Device).unwrap();
    let needs = predicate.needs();
    assert_eq!(needs.status.iter().collect::<Vec<_>>(), ["a", "c.d"]);
    assert_eq!(needs.properties.iter().collect::<Vec<_>>(), ["b", "e"]);
    assert_eq!(needs.keys.iter().collect::<Vec<_>>(), ["k-l", "m"]);
    let facts: Vec<String> = predicate.facts().iter().map(ToString::to_string).collect();
    assert_eq!(
        facts,
        ["@status(a)", "@property(b)", "@status(c.d)", "@property(e)"]
    );

    let text = "@device(serial) == 'x' AND @tag(kiosk) == true";
    let needs = parse(text, Dialect::Server).unwrap().needs();
    assert_eq!(needs.device.iter().collect::<Vec<_>>(), ["serial"]);
    assert_eq!(needs.tags.iter().collect::<Vec<_>>(), ["kiosk"]);
}

#[test]
fn a_predicate_is_shared_between_threads() {
    let predicate = parse("'a' MATCHES '[ab]'", Dialect::Device).unwrap();
    let facts = ordain_predicate::Document::default();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_eq!(predicate.evaluate_with_nil(&facts), Ok(true)));
        }
    });
}
