//! Programs as APIs.

use expect_test::{Expect, expect};
use serde_json::json;
use tapwright_agent::calls::plain_parameters;
use tapwright_contract::api::ApiEffect;

use super::*;

const INSTRUCTION: &str = "{{instruction}}";

fn command(argv: &[&str]) -> ApiEndpoint {
    let argv = argv.iter().map(|argument| (*argument).to_owned()).collect();
    let command = CommandApi { argv, env: BTreeMap::new() };
    let spec = ApiSpec {
        name: "api".to_owned(),
        about: "it does".to_owned(),
        parameters: plain_parameters(),
        effect: ApiEffect::Changes,
    };
    ApiEndpoint { spec, how: ApiTransport::Command(command), within: Duration::from_secs(60), answer_bytes_max: 100 }
}

async fn call(spec: ApiEndpoint, instruction: &str) -> String {
    call_with(spec, json!({ "instruction": instruction })).await
}

async fn call_with(spec: ApiEndpoint, arguments: Value) -> String {
    let specs = BTreeMap::from([("api".to_owned(), spec)]);
    let mut registry = match registry(&specs, &Secrets::default()) {
        Ok(registry) => registry,
        Err((name, bad)) => return format!("{name}: {bad}"),
    };
    match registry.call("api", &arguments, Duration::from_secs(60)).await {
        Ok(text) => text,
        Err(error @ ApiError::Refused { .. }) => format!("refused: {error}"),
        Err(error) => format!("nobody knows: {error}"),
    }
}

#[cfg(unix)]
#[tokio::test]
async fn an_instruction_is_one_argument_or_what_is_read() {
    let said = "a b; $(touch x) `y` 'z' \"q\" *";
    assert_eq!(call(command(&["printf", "<%s>", INSTRUCTION]), said).await, format!("<{said}>"));
    assert_eq!(call(command(&["cat"]), said).await, said);
    assert_eq!(call(command(&["echo", "to={{instruction}}"]), said).await, format!("to={said}"));
    assert_eq!(
        call(command(&["printf", "%s", INSTRUCTION]), "-v").await,
        "refused: an argument of this API does not begin with a dash"
    );
    assert_eq!(call(command(&["printf", "--", "%s", INSTRUCTION]), "-v").await, "-v");
    assert_eq!(call(command(&["cat"]), "-v").await, "-v");
}

#[cfg(unix)]
#[tokio::test]
async fn arguments_have_places_of_their_own() {
    let typed = |argv: &[&str]| {
        let mut endpoint = command(argv);
        let fields =
            json!({ "to": { "type": "string" }, "count": { "type": "integer" }, "urgent": { "type": "boolean" } });
        endpoint.spec.parameters = json!({ "type": "object", "properties": fields, "required": ["to"] });
        endpoint
    };
    let echo = typed(&["printf", "%s|", "--to={{to}}", "{{count}}", "--", "{{urgent}}"]);
    let hostile = json!({ "to": "{{count}}; $(x)", "count": 2, "urgent": true });
    assert_eq!(call_with(echo.clone(), hostile).await, "--to={{count}}; $(x)|2|--|true|");
    assert_eq!(call_with(echo.clone(), json!({ "to": "--x" })).await, "--to=--x||--||");
    let minus = call_with(echo.clone(), json!({ "to": "a", "count": -1 })).await;
    assert_eq!(minus, "refused: an argument of this API does not begin with a dash");
    let wrong = call_with(echo, json!({ "to": 1 })).await;
    assert!(wrong.starts_with("refused: the arguments of api do not fit: /to: expected string"), "{wrong}");
    let all = json!({ "to": "Anna", "count": 3 });
    assert_eq!(call_with(typed(&["cat"]), all.clone()).await, all.to_string());
    let unknown = call_with(typed(&["echo", "{{who}}"]), all).await;
    assert_eq!(unknown, "api: {{who}} is the place of no argument; its parameters are: to, count, urgent");
}

#[cfg(unix)]
#[tokio::test]
async fn what_becomes_of_it() {
    let shell = |script: &str| command(&["sh", "-c", script]);
    let check = async |spec: ApiEndpoint, expected: Expect| expected.assert_eq(&call(spec, "x").await);
    check(shell("exit 0"), expect!["done"]).await;
    check(shell("echo first >&2; echo last >&2; exit 7"), expect!["nobody knows: it ended with exit status: 7: last"])
        .await;
    check(shell("printf '\\377\\376'"), expect!["done; the answer is no text (text, 2 bytes)"]).await;
    check(shell("printf %0200d 7"), expect!["(the answer is longer than 100 bytes; this is its beginning) 0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"]).await;
    check(shell("printf '%099d' 0; printf 'é and more'"), expect!["(the answer is longer than 100 bytes; this is its beginning) 000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"]).await;
    check(
        command(&["/no/such/program"]),
        expect!["refused: /no/such/program cannot be started: No such file or directory (os error 2)"],
    )
    .await;
    check(
        ApiEndpoint { within: Duration::from_millis(300), ..shell("sleep 100") },
        expect!["nobody knows: sh was not done within 0.3 s, and was killed"],
    )
    .await;
}

#[tokio::test]
async fn what_is_no_api() {
    let check = async |spec: ApiEndpoint, expected: Expect| expected.assert_eq(&call(spec, "x").await);
    check(command(&[]), expect![[r#"api: command names no program: command = ["PROGRAM", "ARGUMENT"]"#]]).await;
    check(command(&[INSTRUCTION]), expect!["api: what the model says cannot choose the program"]).await;
    check(
        command(&["sh", "-c", "echo {{instruction}}"]),
        expect![
            "api: what the model says would be run as a script, or opened, which starts what is a program; have the program read it, and have files opened by `files.open`"
        ],
    )
    .await;
    check(
        command(&["curl", "-H", "key: {{secret:key}}"]),
        expect![[
            r#"api: all who use this machine can see a program's arguments; a secret goes into env = { NAME = "…" }"#
        ]],
    )
    .await;
    let mut spec = command(&["env"]);
    let ApiTransport::Command(command) = &mut spec.how else { unreachable!() };
    command.env.insert("KEY".to_owned(), "{{secret:key}}".to_owned());
    assert_eq!(spec.secrets(), ["key"]);
    check(spec, expect![[r#"api: the secret "key" is not configured: add [policy.secrets.key]"#]]).await;
}
