//! A server that does whatever a server should not.

use std::collections::BTreeMap;
use std::time::Duration;

use expect_test::{Expect, expect};
use serde_json::json;
use tapwright_agent::secrets::SecretText;

use super::*;
use crate::process::testing::{is_there, wait_until_gone};

mod little_server;

use little_server::{MANNER, command, serve_http};

const LONG: Duration = Duration::from_secs(60);

/// Not a test but the server, where the tests start this binary again.
#[test]
fn serves() {
    little_server::serve_if_wanted();
}

fn options(transport: McpTransport) -> McpServerOptions {
    McpServerOptions {
        name: "little".to_owned(),
        transport,
        tools: None,
        effect: None,
        effects: BTreeMap::new(),
        start: LONG,
        within: LONG,
        answer_bytes_max: 1000,
        is_optional: false,
    }
}

fn program(manner: &str) -> McpServerOptions {
    let env = BTreeMap::from([(MANNER.to_owned(), manner.to_owned())]);
    options(McpTransport::Command { argv: command("apis::mcp::tests::serves"), env })
}

async fn start(options: &McpServerOptions) -> McpServer {
    McpServer::start(options, &Secrets::default()).await.unwrap_or_else(|error| panic!("{error}"))
}

async fn call(server: &mut McpServer, tool: &str) -> String {
    call_with(server, tool, json!({}), LONG).await
}

async fn call_with(server: &mut McpServer, tool: &str, arguments: Value, within: Duration) -> String {
    match server.call(&format!("little.{tool}"), &arguments, within).await {
        Ok(text) => text,
        Err(ApiError::Unknown) => "there is no such API".to_owned(),
        Err(error @ ApiError::Refused { .. }) => format!("refused: {error}"),
        Err(error @ ApiError::Unanswered { .. }) => format!("nobody knows: {error}"),
    }
}

#[tokio::test]
async fn tools_are_calls() {
    let mut server = start(&program("well")).await;
    let specs = server.specs();
    let echo = &specs[0];
    assert_eq!((echo.name.as_str(), echo.about.as_str()), ("little.echo", "Says it again"));
    let effect = |name: &str| specs.iter().find(|spec| spec.name == name).unwrap().effect;
    assert_eq!(effect("little.echo"), ApiEffect::Changes, "that it only reads is not believed");
    assert_eq!(effect("little.unsaid"), ApiEffect::Irreversible);
    let left_out = server.left_out();
    assert!(left_out[0].name == "little.not_read" && left_out[0].why.contains("/not: this word"), "{left_out:?}");
    assert_eq!(call_with(&mut server, "echo", json!({ "text": "a\nb" }), LONG).await, "a\nb");
    assert_eq!(call_with(&mut server, "ECHO", json!({}), LONG).await, "nothing");
    assert_eq!(call(&mut server, "asks").await, "the client says -32601");
    assert_eq!(call(&mut server, "notices").await, "notifications/initialized");
    assert_eq!(call(&mut server, "none").await, "there is no such API");
    assert_eq!(call(&mut server, "not_read").await, "there is no such API");
    server.close().await;
}

#[tokio::test]
async fn it_knows_nothing_of_where_it_is() {
    let mut server = start(&program("well")).await;
    assert_eq!(call(&mut server, "env").await, format!("{MANNER}=well in /"));
}

#[tokio::test]
async fn whatever_a_tool_does_the_server_is_used_further() {
    let mut server = start(&program("well")).await;
    let mut check = async |tool: &str, expected: Expect| expected.assert_eq(&call(&mut server, tool).await);
    check("rubbish", expect!["after rubbish"]).await;
    check("huge", expect!["nobody knows: the MCP server little: its answer is longer than 4 MiB, and was not read; it may have been done"]).await;
    check("fail", expect!["nobody knows: the MCP server little: the tool says that it failed: the disk is full; what it did before that nobody knows"]).await;
    check("fail_reading", expect!["refused: the MCP server little: the tool says that it failed: the disk is full"])
        .await;
    check(
        "error",
        expect!["nobody knows: the MCP server little: it says: it does not (error -32000); it may have been done"],
    )
    .await;
    check("invalid", expect!["refused: the MCP server little: it says: it does not (error -32602)"]).await;
    let long = call(&mut server, "long").await;
    assert!(long.starts_with("(the answer is longer than 1000 bytes; this is its beginning) éé"), "{long}");
    assert!(long.len() < 1100, "{}", long.len());
    let late = call_with(&mut server, "hang", json!({}), Duration::from_millis(400)).await;
    assert!(late.starts_with("nobody knows: the MCP server little: it has not answered within 0."), "{late}");
    assert!(
        late.contains("it writes to its standard output what is no message: \"Listening on stdio\"")
            || late.contains("no message: \"running 1 test\""),
        "{late}"
    );
    let heard = call(&mut server, "notices").await;
    assert_eq!(heard, "notifications/initialized notifications/cancelled", "it is told that nobody waits any more");
}

#[tokio::test]
async fn whoever_does_not_wait_any_more_says_so() {
    let mut server = start(&program("well")).await;
    let dropped = tokio::time::timeout(Duration::from_millis(300), server.call("little.hang", &json!({}), LONG)).await;
    assert!(dropped.is_err());
    assert_eq!(call(&mut server, "notices").await, "notifications/initialized notifications/cancelled");
}

#[tokio::test]
async fn one_that_dies_within_a_call_leaves_a_doubt() {
    let mut server = start(&program("well")).await;
    let told = call(&mut server, "die").await;
    expect!["nobody knows: the MCP server little: it has ended (exit status: 3): a last complaint; it writes to its standard output what is no message: \"running 1 test\"; it may have been done"].assert_eq(&told);
    assert!(server.has_ended() && server.specs().is_empty(), "it was told, and its tools are gone");

    // One that is dead before it is called was not called.
    let mut server = start(&program("well")).await;
    let pid: i32 = call(&mut server, "env").await.len() as i32; // Any answer will do: it runs.
    assert!(pid > 0);
    let Link::Stdio(link) = &*server.link else { unreachable!() };
    link.close().await;
    assert!(!server.specs().is_empty(), "until somebody was told");
    let told = call(&mut server, "echo").await;
    assert!(
        told.starts_with("refused: the MCP server little: it was ended") && told.ends_with("; nothing was done"),
        "{told}"
    );
    assert!(server.specs().is_empty());
}

#[tokio::test]
async fn a_tool_that_has_become_another_one_is_not_called() {
    let mut server = start(&program("well")).await;
    assert_eq!(call(&mut server, "change").await, "changed without a word");
    let told = call(&mut server, "echo").await;
    assert_eq!(
        told,
        "refused: the MCP server little: it has changed what this tool is; nothing was done; look at what it is for now"
    );
    assert_eq!(server.specs()[0].about, "Deletes everything", "from now on it is what it says");
    assert_eq!(call(&mut server, "echo").await, "nothing");
    // One that says so is known without a call.
    assert_eq!(call(&mut server, "tell").await, "changed and told");
    for _ in 0..600 {
        if server.specs()[0].about == "Says it three times" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(server.specs()[0].about, "Says it three times");
    assert_eq!(call(&mut server, "forget").await, "it has one tool left");
    let told = call(&mut server, "fail").await;
    assert_eq!(told, "refused: the MCP server little: it has this tool no more; nothing was done");
}

#[tokio::test]
async fn servers_that_do_not_start() {
    let check = async |options: McpServerOptions, expected: Expect| {
        let error = McpServer::start(&options, &Secrets::default()).await.err().expect("it does not start");
        expected.assert_eq(&error.to_string());
    };
    let short = |manner: &str| McpServerOptions { start: Duration::from_millis(900), ..program(manner) };
    // What is said behind it depends on whether the line of the test's own frame had come by then.
    let silent = McpServer::start(&short("silent"), &Secrets::default()).await.err().expect("it does not start");
    let words = "the MCP server little did not start as it should: it has not answered within 0.9 s";
    assert!(silent.to_string().starts_with(words), "{silent}");
    check(program("dies"), expect![[r#"the MCP server little did not start as it should: it has ended (exit status: 7): no cheese here; it writes to its standard output what is no message: "running 1 test""#]]).await;
    check(program("talks"), expect![[r#"the MCP server little did not start as it should: it has written 20000 lines that nobody asked for, and was ended (signal: 9 (SIGKILL)); it writes to its standard output what is no message: "running 1 test""#]]).await;
    check(program("old"), expect![[r#"the MCP server little did not start as it should: it speaks version "1999-01-01" of MCP; understood are 2024-11-05, 2025-03-26, 2025-06-18, 2025-11-25"#]]).await;
    check(
        program("no_tools"),
        expect!["the MCP server little did not start as it should: it says that it has no tools"],
    )
    .await;
    check(program("no_list"), expect!["the MCP server little did not start as it should: its list of tools is none"])
        .await;
    let missing = options(McpTransport::Command { argv: vec!["no-such-program".to_owned()], env: BTreeMap::new() });
    check(
        missing,
        expect!["the MCP server little cannot be started: no-such-program: No such file or directory (os error 2)"],
    )
    .await;
    let named = McpServerOptions { tools: Some(vec!["ech".to_owned()]), ..program("well") };
    check(named, expect![[r#"the MCP server little has no tool "ech", which [mcp.little] names"#]]).await;
    let env = BTreeMap::from([("KEY".to_owned(), "{{secret:key}}".to_owned())]);
    let secret = options(McpTransport::Command { argv: command("x"), env });
    check(secret, expect![[r#"the MCP server little needs the secret "key", which is not configured"#]]).await;
}

#[tokio::test]
async fn long_lists_are_read_as_far_as_they_are_offered() {
    let server = start(&program("pages")).await;
    assert_eq!(server.specs(), start(&program("well")).await.specs());
    let server = start(&program("endless")).await;
    assert_eq!(server.specs().len(), 1, "a page that comes again and again is read so many times, and no more");
    let server = start(&program("many")).await;
    assert_eq!(server.specs().len(), crate::apis::described::OFFERED_MAX);
    assert!(server.left_out().iter().any(|api| api.name == "little.tool_199"));
    let wanted = McpServerOptions { tools: Some(vec!["tool_19*".to_owned()]), ..program("many") };
    assert_eq!(start(&wanted).await.specs().len(), 11);
}

/// A message that is nested too deep is not given up as a whole.
#[tokio::test]
async fn one_tool_that_is_nested_too_deep_is_left_out_alone() {
    let headers = BTreeMap::new();
    let behind_an_address = options(McpTransport::Http { url: serve_http("deep", false), headers });
    let expected = start(&program("well")).await.specs();
    for options in [program("deep"), behind_an_address] {
        let mut server = start(&options).await;
        assert_eq!(server.specs(), expected);
        let left_out = server.left_out();
        let deep = left_out.iter().find(|api| api.name == "little.deep").unwrap();
        assert!(deep.why.contains("nested too deep"), "{deep:?}");
        assert_eq!(call(&mut server, "echo").await, "nothing");
        server.close().await;
    }
}

#[tokio::test]
async fn it_ends_with_all_that_it_has_started() {
    for manner in ["well", "stays"] {
        let mut server = start(&program(manner)).await;
        let child = call(&mut server, "child").await;
        assert!(is_there(&child));
        server.close().await;
        wait_until_gone(&child).await;
    }
    let mut server = start(&program("stays")).await;
    let child = call(&mut server, "child").await;
    drop(server);
    wait_until_gone(&child).await;
}

fn http(url: &str) -> McpServerOptions {
    let headers = BTreeMap::from([("authorization".to_owned(), "Bearer {{secret:key}}".to_owned())]);
    options(McpTransport::Http { url: url.to_owned(), headers })
}

async fn connect(options: &McpServerOptions) -> Result<McpServer, String> {
    let key = SecretText::new("hush-hush".to_owned()).unwrap();
    let secrets = Secrets::new(BTreeMap::from([("key".to_owned(), key)]));
    McpServer::start(options, &secrets).await.map_err(|error| error.to_string())
}

#[tokio::test]
async fn servers_behind_an_address() {
    for streams in [false, true] {
        let mut server = connect(&http(&serve_http("locked", streams))).await.unwrap();
        let mut check = async |tool: &str, expected: Expect| expected.assert_eq(&call(&mut server, tool).await);
        check("echo", expect!["nothing"]).await;
        check(
            "fail_reading",
            expect!["refused: the MCP server little: the tool says that it failed: the disk is full"],
        )
        .await;
        check(
            "error",
            expect![
                "nobody knows: the MCP server little: it says 502 Bad Gateway: upstream is gone; it may have been done"
            ],
        )
        .await;
        check("huge", expect!["nobody knows: the MCP server little: its answer is longer than 4 MiB, and was not read; it may have been done"]).await;
        check("tell", expect!["changed and told"]).await;
        // It is greeted again, and the call is made.
        check("echo", expect!["refused: the MCP server little: it has changed what this tool is; nothing was done; look at what it is for now"]).await;
        check("notices", expect!["notifications/initialized"]).await;
        let late = call_with(&mut server, "hang", json!({}), Duration::from_millis(500)).await;
        assert!(late.starts_with("nobody knows: the MCP server little: it has not answered within"), "{late}");
        let mut check = async |tool: &str, expected: Expect| expected.assert_eq(&call(&mut server, tool).await);
        check("echo", expect!["nothing"]).await;
        server.close().await;
    }
}

#[tokio::test]
async fn servers_that_cannot_be_spoken_to_behind_an_address() {
    let check = async |url: &str, expected: Expect| {
        let started = connect(&options(McpTransport::Http { url: url.to_owned(), headers: BTreeMap::new() })).await;
        expected.assert_eq(&started.err().expect("it does not start"));
    };
    check(&serve_http("locked", false), expect![[r#"the MCP server little did not start as it should: it says 401 Unauthorized: who are you?; give it what it wants with headers = { authorization = "Bearer {{secret:NAME}}" }"#]]).await;
    check(
        &serve_http("html", false),
        expect![
            "the MCP server little did not start as it should: it answers with text/html, and not as MCP's servers do"
        ],
    )
    .await;
    check(
        "http://127.0.0.1:1/mcp",
        expect![
            "the MCP server little did not start as it should: it cannot be reached: Connection refused (os error 111)"
        ],
    )
    .await;
    check("ftp://x", expect!["the MCP server little is not at an address that begins with http:// or https://"]).await;
}

#[tokio::test]
async fn a_session_that_is_over_is_begun_again() {
    let mut server = connect(&http(&serve_http("well", false))).await.unwrap();
    assert_eq!(call(&mut server, "forget").await, "it has one tool left");
    // The server knows nobody by now; the list that comes before a call finds that out.
    let told = call(&mut server, "echo").await;
    assert_eq!(told, "nothing");
}

#[tokio::test]
async fn a_stream_that_broke_is_opened_again() {
    let server = connect(&http(&serve_http("drops", false))).await.unwrap();
    assert_eq!(server.specs()[0].about, "Says it again");
    for _ in 0..600 {
        if server.specs()[0].about != "Says it again" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(server.specs()[0].about, "Says it once more");
}
