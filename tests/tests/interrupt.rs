//! Whoever stops waiting for an answer stops its work, also within a picture and within a chunk of a long prompt.
//!
//! `TAPWRIGHT_LARGE=1` measures it on random weights of 0.44 billion parameters, and prints the figures.

use std::time::{Duration, Instant};

use tapwright_contract::model::{Part, Role, Turn};
use tapwright_contract::{Picture, Size};
use tapwright_models::{AnswerEvent, Local, ReferenceModel, Request, random};

mod common;

fn user(parts: Vec<Part>) -> Request {
    Request { tokens_max: Some(2), ..Request::greedy(vec![Turn { role: Role::User, parts }]) }
}

/// A screen that is like no other of another number.
fn screen(number: u32, size: Size) -> Part {
    let value = |at: u32| (at.wrapping_mul(2_654_435_761).wrapping_add(number << 20) >> 24) as u8;
    let rgba = (0..4 * size.width * size.height).map(value).collect::<Vec<u8>>();
    Part::Picture(Picture::new(size, rgba).expect("a picture"))
}

fn words(number: u32, count: u32) -> Part {
    Part::Text((0..count).map(|at| format!("{} ", (number * 31 + at * 7) % 977)).collect())
}

#[allow(clippy::disallowed_methods)] // It measures.
fn now() -> Instant {
    Instant::now()
}

/// How long an answer takes.
async fn time_answer(local: &Local, request: Request) -> Duration {
    let begun = now();
    let mut answer = local.ask(request).await.expect("it is taken");
    while let Some(event) = answer.recv().await {
        if let AnswerEvent::Done { .. } = event.expect("it is answered") {
            break;
        }
    }
    begun.elapsed()
}

/// How long it takes until somebody else is answered, after an answer was given up that has been computed for a while.
async fn time_until_free(local: &Local, request: Request, after: Duration) -> Duration {
    let steps = local.health().steps;
    let mut answer = local.ask(request).await.expect("it is taken");
    let waited = tokio::time::timeout(after, answer.recv()).await;
    assert!(waited.is_err(), "it is computed for longer than {after:?}, or this shows nothing");
    let given_up = now();
    drop(answer);
    let beside = time_answer(local, user(vec![words(1, 4)])).await;
    let freed = given_up.elapsed();
    assert!(local.health().steps > steps, "the engine goes on: {beside:?}");
    freed
}

#[test]
fn an_answer_that_is_given_up_stops_within_a_picture_and_within_a_chunk() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let Some(library) = runtime.block_on(common::library()) else { return };
    #[allow(clippy::disallowed_methods)] // A test has no command line.
    let large = std::env::var("TAPWRIGHT_LARGE").is_ok();
    let folder = tempfile::tempdir().expect("a folder");
    let model = folder.path().join("model");
    random(if large { ReferenceModel::Glm4v04b } else { ReferenceModel::Glm4vTiny }, &model, 5, |_| ())
        .expect("it can be written");
    let mut options = common::options();
    // All of a prompt in one chunk: nothing ends it but an interrupt.
    (options.context_tokens_max, options.chunk_tokens_max) = (8192, 8192);
    options.cache_bytes_max = 2 << 30;
    let local = Local::open(&model, &folder.path().join("cache"), &library, options, |_| ()).expect("it opens");

    runtime.block_on(async {
        let size = if large { Size { width: 1080, height: 2400 } } else { Size { width: 540, height: 1200 } };
        for (what, make) in [
            ("a picture", &(|number| user(vec![screen(number, size), words(number, 4)])) as &dyn Fn(u32) -> Request),
            ("a prompt", &|number| user(vec![words(number, if large { 1000 } else { 1800 })])),
        ] {
            let whole = time_answer(&local, make(2)).await;
            // A tenth of it is computed, and then nobody wants it any more. Others may compute here too: the best of some tries.
            let mut best = whole;
            for try_ in 0..if large { 3 } else { 5 } {
                best = best.min(time_until_free(&local, make(3 + try_), whole / 10).await);
            }
            println!("{what}: {whole:?} in all; given up after a tenth, the next answer was there {best:?} later");
            assert!(best < whole / 2, "{what}: {best:?} of {whole:?}");
        }
        // Nobody can ask any more, and somebody still holds an answer: closing waits for neither.
        let whole = time_answer(&local, user(vec![screen(90, size), words(9, 4)])).await;
        let mut best = whole;
        let answer = local.ask(user(vec![screen(91, size), words(9, 4)])).await.expect("it is taken");
        tokio::time::sleep(whole / 10).await;
        let begun = now();
        drop(local);
        best = best.min(begun.elapsed());
        println!("closed within a picture of {whole:?}: {best:?}");
        assert!(best < whole / 2, "closing took {best:?} of {whole:?}");
        drop(answer);
    });
}
