//! Scripts as they are read: printed again with what was quoted between `‹ ›`, or why they cannot be.

use expect_test::{Expect, expect};
use proptest::prelude::*;

use super::*;

/// Prints what was read as a script again, quoting what was quoted with `‹ ›`.
fn show_list(list: &List) -> String {
    let mut text = String::new();
    for (index, (join, pipeline)) in list.0.iter().enumerate() {
        text += match (index, join) {
            (0, _) => "",
            (_, Join::Always) => " ; ",
            (_, Join::IfDone) => " && ",
            (_, Join::IfFailed) => " || ",
        };
        text += if pipeline.negated { "! " } else { "" };
        text += &pipeline.stages.iter().map(show_stage).collect::<Vec<_>>().join(" | ");
    }
    text
}

fn show_stage(stage: &Stage) -> String {
    let mut parts = match &stage.what {
        Construct::Command { assignments, words } => {
            let assignments = assignments.iter().map(|(name, word)| format!("{name}={}", show_word(word)));
            assignments.chain(words.iter().map(show_word)).collect::<Vec<_>>()
        }
        Construct::Group(list) => vec![format!("{{ {} }}", show_list(list))],
        Construct::Subshell(list) => vec![format!("( {} )", show_list(list))],
        Construct::If { branches, otherwise } => {
            let mut parts: Vec<String> = branches
                .iter()
                .map(|(condition, body)| format!("if [{}] then [{}]", show_list(condition), show_list(body)))
                .collect();
            parts.extend(otherwise.iter().map(|list| format!("else [{}]", show_list(list))));
            parts
        }
        Construct::While { until, condition, body } => {
            let word = if *until { "until" } else { "while" };
            vec![format!("{word} [{}] do [{}]", show_list(condition), show_list(body))]
        }
        Construct::For { name, words, body } => {
            let words = words.as_ref().map(|words| words.iter().map(show_word).collect::<Vec<_>>().join(" "));
            vec![format!("for {name} in {words:?} do [{}]", show_list(body))]
        }
        Construct::Case { word, arms } => {
            let arms = arms.iter().map(|(patterns, body)| {
                let patterns = patterns.iter().map(show_word).collect::<Vec<_>>().join("|");
                format!("{patterns}) [{}]", show_list(body))
            });
            vec![format!("case {} {}", show_word(word), arms.collect::<Vec<_>>().join(" "))]
        }
        Construct::Function { name, body } => vec![format!("{name}() {}", show_stage(body))],
        Construct::Background(list) => vec![format!("[{}] &", show_list(list))],
    };
    parts.extend(stage.redirects.iter().map(|redirect| {
        let from = redirect.from;
        match &redirect.to {
            Target::Read(word) => format!("{from}<{}", show_word(word)),
            Target::Write(word) => format!("{from}>{}", show_word(word)),
            Target::Append(word) => format!("{from}>>{}", show_word(word)),
            Target::Same(to) => format!("{from}>&{to}"),
        }
    }));
    parts.join(" ")
}

fn show_word(word: &Word) -> String {
    word.0
        .iter()
        .map(|piece| match piece {
            Piece::Text { text, quoted: false } => text.clone(),
            Piece::Text { text, quoted: true } => format!("‹{text}›"),
            Piece::Variable { name, quoted, change } => {
                let change = match change {
                    Modifier::Nothing => String::new(),
                    Modifier::Length => "{length}".to_owned(),
                    Modifier::Default { kind, or_empty, word } => {
                        format!("{{{}{kind}{}}}", if *or_empty { ":" } else { "" }, show_word(word))
                    }
                    Modifier::Trim { start, longest, pattern } => {
                        format!("{{trim {start} {longest} {}}}", show_word(pattern))
                    }
                };
                format!("${}{name}{change}", if *quoted { "\"" } else { "" })
            }
            Piece::Number { of, .. } => format!("$(({}))", show_word(of)),
            Piece::Output { of, .. } => format!("$({})", show_list(of)),
        })
        .collect()
}

fn check(text: &str, expected: Expect) {
    expected.assert_eq(&match parse(text) {
        Ok(list) => show_list(&list),
        Err(error) => error.to_string(),
    });
}

#[test]
fn scripts_are_read() {
    check("input tap 540 1200", expect!["input tap 540 1200"]);
    check("screencap '-p'", expect!["screencap ‹-p›"]);
    check("input tap 1 2; echo X7f $?", expect!["input tap 1 2 ; echo X7f $?"]);
    check("a&&b||c;d\n\ne # no\nf;", expect!["a && b || c ; d ; e ; f"]);
    check("echo a'b c'\"d $x \\\" \\n\"\\ e", expect![[r#"echo a‹b cd ›$"x‹ " \n ›e"#]]);
    check("am broadcast -a ADB_INPUT_B64 --es msg ", expect!["am broadcast -a ADB_INPUT_B64 --es msg"]);
    check("echo '' \"\"", expect!["echo ‹› ‹›"]);
    check("ls /sdcard 2>/dev/null >>x 2>&1 | grep -v a", expect!["ls /sdcard 2>/dev/null 1>>x 2>&1 | grep -v a"]);
    check("echo 2 >x; echo a2>x", expect!["echo 2 1>x ; echo a2 1>x"]);
    check("X=1 Y=\"a b\" cmd Z=3", expect!["X=1 Y=‹a b› cmd Z=3"]);
    check("{ a; b; } 2>/dev/null && ( c | d )", expect!["{ a ; b } 2>/dev/null && ( c | d )"]);
    check("! test -f $(ls ${a}b $1) || e", expect!["! test -f $(ls $ab $1) || e"]);
    check("echo a#b {x} }", expect!["echo a#b {x} }"]);
    check("echo $ $", expect!["echo $ $"]);
    check("", expect![""]);
    check(" \n # nothing\n", expect![""]);
}

#[test]
fn conditions_and_loops_are_read() {
    check("if a; then b; elif c; then d\nelse e; fi | f", expect!["if [a] then [b] if [c] then [d] else [e] | f"]);
    check(
        "while read x; do echo $x; done < f; until a\ndo b\ndone",
        expect!["while [read x] do [echo $x] 0<f ; until [a] do [b]"],
    );
    check(
        "for i in 1 \"2 3\" $x; do a; done; for x\ndo b; done",
        expect![[r#"for i in Some("1 ‹2 3› $x") do [a] ; for x in None do [b]"#]],
    );
    check("case $x in a|b*) c;; (d) ;; *) e; f\nesac; g", expect!["case $x a|b*) [c] d) [] *) [e ; f] ; g"]);
    check("f() { a; }; function g { b; }; g x", expect!["f() { a } ; g() { b } ; g x"]);
    check("a; b && c & d & e", expect!["a ; [b && c] & ; [d] & ; e"]);
    check("echo `a \\`b\\``$(c)", expect!["echo $(a $(b))$(c)"]);
    check("echo \"`a \\\"b\\\"`\"", expect!["echo ‹›$(a ‹b›)"]);
    check("echo $((1 + $x * (2)))", expect!["echo $((‹1 + ›$x‹ * (2)›))"]);
    check(
        "echo ${x:-a b} ${#x} ${x%.*} ${x##*/} \"${x+'y'}\" $@ $!",
        expect![[r#"echo $x{:-a b} $x{length} $x{trim false false .*} $x{trim true true */} ‹›$"x{+‹'y'›} $@ $!"#]],
    );
    check("echo if then done; x=fi", expect!["echo if then done ; x=fi"]);
}

#[test]
fn what_is_not_a_script_says_why() {
    check("a ;; b", expect!["syntax error: unexpected ';;'"]);
    check("| a", expect!["syntax error: unexpected '|'"]);
    check("a |", expect!["syntax error: unexpected 'newline'"]);
    check("a &&", expect!["syntax error: unexpected 'newline'"]);
    check("a )", expect!["syntax error: unexpected ')'"]);
    check("( a", expect!["syntax error: no closing )"]);
    check("{ a; ", expect!["syntax error: no closing }"]);
    check("echo 'a", expect!["syntax error: no closing quote"]);
    check("echo \"a", expect!["syntax error: no closing quote"]);
    check("a > ", expect!["syntax error: unexpected 'newline'"]);
    check("cat <<END", expect!["syntax error: a here-document (<<) is not supported on this phone"]);
    check("for ((i=0; i<3; i++)); do a; done", expect!["syntax error: for (( is not supported on this phone"]);
    check("[[ a == b ]]", expect!["syntax error: [[ is not supported on this phone"]);
    check("if a; then b", expect!["syntax error: no closing fi"]);
    check("if a; fi", expect!["syntax error: unexpected 'fi'"]);
    check("while a; do b;", expect!["syntax error: no closing done"]);
    check("for x in a b", expect!["syntax error: no closing do"]);
    check("for 'x' in a; do b; done", expect!["syntax error: unexpected '''"]);
    check("case a in b) c;;", expect!["syntax error: no closing esac"]);
    check("case a in ;; esac", expect!["syntax error: unexpected ';'"]);
    check("done", expect!["syntax error: unexpected 'done'"]);
    check("f() echo x", expect!["syntax error: a function without { } is not supported on this phone"]);
    check("& a", expect!["syntax error: unexpected '&'"]);
    check("echo ${x/a/b}", expect!["syntax error: that use of ${ is not supported on this phone"]);
    check("echo `date", expect!["syntax error: no closing quote"]);
    check("echo $((1+1)", expect!["syntax error: unexpected ')'"]);
    check(&"${x:-".repeat(10_000), expect!["syntax error: nested too deeply"]);
    check(&"f(){ ".repeat(10_000), expect!["syntax error: nested too deeply"]);
    check(&"x".repeat(200_000), expect!["Argument list too long"]);
    check(&"( ".repeat(50_000), expect!["syntax error: nested too deeply"]);
    check(&"$(".repeat(50_000), expect!["syntax error: nested too deeply"]);
}

proptest! {
    #[test]
    fn garbage_never_panics(text in "([a-c '\"\\\\$(){};&|<>#!=\n\u{4f60}0-3`%*]|if |then |fi|for |in |do |done|case |esac|while |;;|[$][{]){0,40}") {
        let _ = parse(&text);
    }

    #[test]
    fn single_quotes_keep_everything(text in "[^']{0,40}") {
        let list = parse(&format!("x '{text}'")).unwrap();
        prop_assert_eq!(show_list(&list), format!("x ‹{text}›"));
    }
}
