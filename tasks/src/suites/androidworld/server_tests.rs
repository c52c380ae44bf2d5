//! The suite on a stub of AndroidWorld's server: what is asked of it, in which order, and whose score counts.

use std::collections::BTreeMap;
use std::sync::Mutex;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::Uri;
use axum::routing::{get, post};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::*;
use crate::device::{Device, DeviceAddress, DeviceOptions, FunctionOwners, Keys, Weather};
use crate::judge::{Facts, RecordedProbe};
use crate::suite::CaseSelection;

type Log = Arc<Mutex<Vec<String>>>;

fn pairs(uri: &Uri) -> BTreeMap<String, String> {
    form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned().collect()
}

fn note(log: &Log, what: &str, uri: &Uri) {
    let pairs: Vec<String> = pairs(uri).iter().map(|(key, value)| format!("{key}={value}")).collect();
    log.lock().unwrap().push(format!("{what} {}", pairs.join(" ")).trim().to_owned());
}

/// A server with two tasks, of which the first one is there twice.
async fn stub() -> (String, Log) {
    let log = Log::default();
    let told = |what: &'static str| {
        post(move |State(log): State<Log>, uri: Uri| async move {
            note(&log, what, &uri);
            axum::Json(json!({"status": "success"}))
        })
    };
    let app = Router::new()
        .route("/health", get(|| async { axum::Json(json!({"status": "success"})) }))
        .route("/suite/task_list", get(|| async { axum::Json(json!({"task_list": ["SimpleSmsSend", "New"]})) }))
        .route(
            "/suite/task_length",
            get(|uri: Uri| async move {
                axum::Json(json!({"length": if pairs(&uri)["task_type"] == "New" { 1 } else { 2 }}))
            }),
        )
        .route(
            "/task/goal",
            get(|uri: Uri| async move {
                axum::Json(json!({"goal": format!("Do {} {}", pairs(&uri)["task_type"], pairs(&uri)["task_idx"])}))
            }),
        )
        .route(
            "/task/score",
            get(|State(log): State<Log>, uri: Uri| async move {
                note(&log, "score", &uri);
                axum::Json(json!({"score": if pairs(&uri)["task_idx"] == "1" { 0.5 } else { 1.0 }}))
            }),
        )
        .route("/screenshot", get(|| async { axum::Json(json!([[[1, 2, 3], [4, 5, 6]]])) }))
        .route(
            "/execute_action",
            post(|State(log): State<Log>, body: Bytes| async move {
                let action: Value = serde_json::from_slice(&body).unwrap();
                log.lock().unwrap().push(action.to_string());
                axum::Json(json!({"status": "success"}))
            }),
        )
        .route("/reset", told("reset"))
        .route("/task/initialize", told("initialize"))
        .route("/task/tear_down", told("tear_down"))
        .with_state(log.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    (at, log)
}

fn options(at: DeviceAddress) -> DeviceOptions {
    let within = Duration::from_secs(5);
    DeviceOptions {
        at,
        weather: Weather::calm(),
        connect: within,
        keys: Keys::default(),
        find_again: within,
        probe: within,
        words: false,
        app_functions: FunctionOwners::None,
    }
}

#[tokio::test]
async fn a_case_is_made_ready_scored_and_ended_by_the_server() {
    let (at, log) = stub().await;
    let suite = AndroidWorldServerSuite::open(AndroidWorldServer::new(&at).unwrap()).await.unwrap();
    let all = CaseSelection { first: 0, count: 9, template: None, only: Vec::new() };
    let cases: Vec<Case> = all.cases(&suite).collect();
    let ids: Vec<String> = cases.iter().map(Case::id).collect();
    assert_eq!(ids, ["SimpleSmsSend/0", "SimpleSmsSend/1", "New/0"]);
    assert_eq!(cases[1].goal, "Do SimpleSmsSend 1");
    // AndroidWorld's own budget where the task is known.
    assert_eq!(cases.iter().map(|case| case.limits.steps_max).collect::<Vec<_>>(), [Some(12), Some(12), Some(STEPS)]);
    let done = |message: &str| Outcome::Done { message: message.to_owned() };
    for (case, outcome, score, is_passed) in [
        (&cases[0], done("sent"), 1.0, true),
        (&cases[1], done(""), 0.5, false),
        (&cases[0], Outcome::OutOfSteps, 0.0, false),
        (&cases[0], Outcome::GaveUp { message: "no".to_owned() }, 0.0, false),
    ] {
        let device = Device::open(&options(case.device.clone())).await.unwrap();
        let facts = Facts::new();
        let mut probe = RecordedProbe(&facts);
        let evidence = Evidence { start: &facts, end: &facts, outcome: &outcome, probe: &mut probe, folder: None };
        let assessment = case.evaluator.assess(evidence).await.unwrap();
        assert_eq!((assessment.score, assessment.against.is_none()), (Some(score), is_passed), "{outcome:?}");
        device.close().await.unwrap();
    }
    let log = log.lock().unwrap();
    let first = [
        "reset go_home=true",
        "initialize task_idx=0 task_type=SimpleSmsSend",
        r#"{"action_type":"answer","text":"sent"}"#,
    ];
    let end = ["score task_idx=0 task_type=SimpleSmsSend", "tear_down task_idx=0 task_type=SimpleSmsSend"];
    assert_eq!(log[..5], [&first[..], &end[..]].concat());
    // What is not done is not scored, and ended all the same.
    let scores = log.iter().filter(|line| line.starts_with("score")).count();
    let ends = log.iter().filter(|line| line.starts_with("tear_down")).count();
    assert_eq!((scores, ends), (2, 4), "{log:#?}");
}
