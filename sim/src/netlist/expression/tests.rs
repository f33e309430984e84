//! What formulas give, and what they refuse.

use super::*;
use crate::diagnostic::{Code, Diagnostics, Sources};
use proptest::prelude::*;

struct Table;

impl Names for Table {
    fn value(&self, name: &str) -> Option<Value> {
        match name {
            "k" => Some(Value::Integer(16)),
            "rate" => Some(Value::Float(0.25)),
            "pattern" => Some(Value::Word("Uniform".into())),
            _ => None,
        }
    }

    fn known(&self) -> Vec<String> {
        vec!["k".into(), "rate".into(), "pattern".into()]
    }
}

fn outcome(text: &str) -> Result<Evaluated, Diagnostics> {
    let mut sources = Sources::default();
    let source = sources.add("test", text.into());
    let span = Span {
        source,
        start: 0,
        end: text.len() as u32,
    };
    Expression::parse(Located {
        text,
        span,
        exact: true,
    })
    .and_then(|expression| expression.evaluate(&Table))
    .map_err(|diagnostic| Diagnostics::new(sources, vec![*diagnostic]))
}

fn value(text: &str) -> String {
    outcome(text)
        .unwrap_or_else(|error| panic!("{error}"))
        .value
        .to_string()
}

#[test]
fn arithmetic_binds_as_in_rust() {
    for (text, expected) in [
        ("1 + 2 * 3", "7"),
        ("(1 + 2) * 3", "9"),
        ("10 - 4 - 3", "3"),
        ("-k / 3", "-5"),
        ("-7 % 4", "-3"),
        ("1 << 4 + 1", "32"),
        ("0xff & 0b1010 | 1_024", "1034"),
        ("k == 16 && rate < 0.5", "true"),
        ("!(k > 3) || false", "false"),
        ("k * rate", "4.0"),
        ("1e3 + .5", "1000.5"),
        ("min(3, k, 2.5)", "2.5"),
        ("max(3, k)", "16"),
        ("log2(9) * 10 + clog2(9)", "34"),
        ("div_ceil(7, 2) + gcd(12, 18)", "10"),
        ("if(k > 10, k, 1 / 0)", "16"),
        ("floor(2.7) + ceil(2.1) + round(2.5)", "8"),
        ("pow(2, 100) - pow(2, 100) + float(1)", "1.0"),
        ("false && 1 / 0 == 1", "false"),
        ("pattern == pattern", "true"),
        ("k - -1", "17"),
    ] {
        if text.starts_with("pow") {
            // 2^100 - 2^100 is exact, and zero.
            assert_eq!(value(text), "1.0");
        } else {
            assert_eq!(value(text), expected, "{text}");
        }
    }
}

#[test]
fn a_dropped_remainder_is_remembered() {
    assert!(outcome("1 / 4").unwrap().dropped_remainder.is_some());
    assert!(outcome("8 / 4").unwrap().dropped_remainder.is_none());
    assert!(outcome("1.0 / 4").unwrap().dropped_remainder.is_none());
}

#[test]
fn errors_have_their_code_and_place() {
    for (text, code) in [
        ("k / (16 - k)", Code::Expression),
        ("pow(2, 126) * 2", Code::Expression),
        ("1 << 127", Code::Expression),
        ("1 +", Code::ExpressionSyntax),
        ("", Code::ExpressionSyntax),
        ("1 2", Code::ExpressionSyntax),
        ("0x", Code::ExpressionSyntax),
        (
            "99999999999999999999999999999999999999999999",
            Code::ExpressionSyntax,
        ),
        ("min()", Code::ExpressionSyntax),
        ("pow(1)", Code::ExpressionSyntax),
        ("kk", Code::UnknownName),
        ("mn(1)", Code::UnknownName),
        ("k && true", Code::Expression),
        ("pattern + 1", Code::Expression),
        ("log2(0)", Code::Expression),
        ("ünicode", Code::ExpressionSyntax),
    ] {
        let found = outcome(text).expect_err(text);
        assert_eq!(found.list()[0].code(), code, "{text}: {found}");
    }
    insta::assert_snapshot!(outcome("1 + rat * 2").unwrap_err(), @r"
    error[N0022]: `rat` is not defined here
     --> test:1:5
      |
    1 | 1 + rat * 2
      |     ^^^ no parameter or variable of this name
      |
      = help: did you mean `rate`?
    ");
    insta::assert_snapshot!(outcome("1 + 7 % (k - 16)").unwrap_err(), @r"
    error[N0021]: division by zero
     --> test:1:5
      |
    1 | 1 + 7 % (k - 16)
      |     ^^^^^^^^^^^^
    ");
}

#[test]
fn bombs_are_refused_not_followed() {
    let deep = "(".repeat(100_000);
    assert_eq!(
        outcome(&deep).unwrap_err().list()[0].code(),
        Code::ExpressionSyntax
    );
    let signs = "-".repeat(100_000);
    assert_eq!(
        outcome(&signs).unwrap_err().list()[0].code(),
        Code::ExpressionSyntax
    );
    let long = format!("1{}", "+1".repeat(100_000));
    assert_eq!(
        outcome(&long).unwrap_err().list()[0].code(),
        Code::ExpressionSyntax
    );
}

/// A formula and what it must give, computed beside it.
fn formula() -> impl Strategy<Value = (String, Option<i128>)> {
    let leaf = (-1000_i128..1000).prop_map(|value| {
        let text = if value < 0 {
            format!("({value})")
        } else {
            value.to_string()
        };
        (text, Some(value))
    });
    leaf.prop_recursive(5, 40, 2, |inner| {
        (inner.clone(), 0..5_usize, inner).prop_map(|((a, x), operator, (b, y))| {
            let value = x.zip(y).and_then(|(x, y)| match operator {
                0 => x.checked_add(y),
                1 => x.checked_sub(y),
                2 => x.checked_mul(y),
                3 => x.checked_div(y),
                _ => x.checked_rem(y),
            });
            (
                format!("({a} {} {b})", ["+", "-", "*", "/", "%"][operator]),
                value,
            )
        })
    })
}

proptest! {
    #[test]
    fn integers_agree_with_rust((text, expected) in formula()) {
        let found = outcome(&text).ok().map(|evaluated| evaluated.value);
        prop_assert_eq!(found, expected.map(Value::Integer));
    }

    #[test]
    fn precedence_agrees_with_parentheses(a in -50_i128..50, b in -50_i128..50, c in 1_i128..50) {
        let flat = format!("({a}) + ({b}) * {c} - ({a}) / {c}");
        let nested = format!("((({a}) + (({b}) * {c})) - (({a}) / {c}))");
        prop_assert_eq!(value(&flat), value(&nested));
        prop_assert_eq!(value(&flat), (a + b * c - a / c).to_string());
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,40}") {
        let _ = outcome(&text);
    }

    #[test]
    fn no_formula_like_text_panics(text in "[k0-9a-f+*/%()<>=&|!., -]{0,40}") {
        let _ = outcome(&text);
    }
}
