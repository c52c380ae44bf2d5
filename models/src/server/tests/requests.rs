//! Requests that are wrong, as a table, and bytes that are anything.

use proptest::prelude::*;

use super::*;

const SAMPLING: Sampling = Sampling::GREEDY;

fn rules() -> RequestRules<'static> {
    RequestRules {
        name: "mini",
        sampling: &SAMPLING,
        context: 8,
        seed: 1,
        messages_max: 8,
        pictures_max: 2,
        text_bytes_max: 1000,
        urls: false,
    }
}

/// Each row is a body, and what becomes of it: the status and the field that is named, or `fine`.
fn check(rows: &[(Value, &str)]) {
    for (body, expected) in rows {
        let text = match body {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let told = match chat_request::read(text.as_bytes(), &rules()) {
            Ok(_) => "fine".to_owned(),
            Err(response) => {
                let error: Value = serde_json::from_str(&response.json()).unwrap();
                let said = error["error"]["message"].as_str().unwrap().to_owned();
                let param = error["error"]["param"].as_str().unwrap_or("-");
                // A message begins with its field, and says more than that.
                let words_of_others = param == "model" || said.contains("maximum context length");
                let named = param == "-" || words_of_others || said.starts_with(&format!("{param}: "));
                assert!(named && said.len() > param.len() + 5, "{error}");
                format!("{} {param}", response.status.as_u16())
            }
        };
        assert_eq!(told, *expected, "{}", &text[..text.len().min(300)]);
    }
}

fn user(more: Value) -> Value {
    with(json!({"messages": [{"role": "user", "content": "x"}]}), more)
}

fn message(message: Value) -> Value {
    json!({"messages": [message]})
}

fn part(part: Value) -> Value {
    message(json!({"role": "user", "content": [part]}))
}

#[test]
fn bodies_that_are_no_requests() {
    check(&[
        (json!(""), "400 -"),
        (json!("{"), "400 -"),
        (json!("[]"), "400 -"),
        (json!("{} {}"), "400 -"),
        (json!("{\"messages\": nul}"), "400 -"),
        (json!("{\"messages\": [], \"temperature\": 1e999}"), "400 -"),
        (json!("[".repeat(1000)), "400 -"),
        (json!(format!("{{\"x\": [{}0]}}", "[],".repeat(200_000))), "400 -"),
        (json!({}), "400 messages"),
        (json!({"messages": "hi"}), "400 messages"),
        (json!({"messages": []}), "400 messages"),
        (json!({"messages": vec![json!({"role": "user", "content": "x"}); 9]}), "400 messages"),
        (json!({"messages": [{"role": "user", "content": "x".repeat(1001)}]}), "400 messages"),
    ]);
}

#[test]
fn messages_that_cannot_be_read() {
    check(&[
        (message(json!("hi")), "400 messages[0]"),
        (message(json!({"content": "x"})), "400 messages[0].role"),
        (message(json!({"role": "user"})), "400 messages[0].content"),
        (message(json!({"role": "user", "content": null})), "400 messages[0].content"),
        (message(json!({"role": "user", "content": 3})), "400 messages[0].content"),
        (message(json!({"role": 3, "content": "x"})), "400 messages[0].role"),
        (message(json!({"role": "tool", "content": "x", "tool_call_id": "y"})), "fine"),
        (message(json!({"role": "tool"})), "400 messages[0].content"),
        (message(json!({"role": "assistant"})), "fine"),
        (message(json!({"role": "assistant", "content": null})), "fine"),
        (
            message(json!({"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": "no JSON"}}]})),
            "fine",
        ),
        (message(json!({"role": "assistant", "tool_calls": "x"})), "400 messages[0].tool_calls"),
        (message(json!({"role": "narrator", "content": "x"})), "400 messages[0].role"),
        (
            message(json!({"role": "assistant", "content": "x", "tool_calls": [{"id": "y"}]})),
            "400 messages[0].tool_calls[0].function",
        ),
        (message(json!({"role": "assistant", "content": "x", "tool_calls": [], "refusal": null})), "fine"),
        (message(json!({"role": "developer", "content": [{"type": "text", "text": "x"}], "name": "y"})), "fine"),
        (message(json!({"role": "user", "content": []})), "fine"),
        (part(json!(3)), "400 messages[0].content[0]"),
        (part(json!("text")), "fine"),
        (part(json!({"text": "x"})), "400 messages[0].content[0].type"),
        (part(json!({"type": "text"})), "400 messages[0].content[0].text"),
        (part(json!({"type": "text", "text": 3})), "400 messages[0].content[0].text"),
        (part(json!({"type": "input_audio", "input_audio": {}})), "400 messages[0].content[0].type"),
        (part(json!({"type": "image_url"})), "400 messages[0].content[0].image_url"),
        (part(json!({"type": "image_url", "image_url": {}})), "400 messages[0].content[0].image_url.url"),
        (part(json!({"type": "image_url", "image_url": {"url": 3}})), "400 messages[0].content[0].image_url.url"),
        (part(json!({"type": "image_url", "image_url": {"url": "x.png"}})), "400 messages[0].content[0].image_url.url"),
        (
            part(json!({"type": "image_url", "image_url": {"url": "file:///etc/passwd"}})),
            "400 messages[0].content[0].image_url.url",
        ),
        (
            part(json!({"type": "image_url", "image_url": {"url": "https://example.com/x.png"}})),
            "400 messages[0].content[0].image_url.url",
        ),
        (
            part(json!({"type": "image_url", "image_url": {"url": "data:image/png,x"}})),
            "400 messages[0].content[0].image_url.url",
        ),
        (
            part(json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,*"}})),
            "400 messages[0].content[0].image_url.url",
        ),
        (
            message(json!({"role": "assistant", "content": [{"type": "image_url", "image_url": "data:;base64,AA"}]})),
            "400 messages[0].content[0].type",
        ),
        (
            message(
                json!({"role": "user", "content": vec![json!({"type": "image_url", "image_url": "data:;base64,AA"}); 3]}),
            ),
            "400 messages",
        ),
        (message(json!({"role": "user", "content": vec!["x"; 257]})), "400 messages[0].content"),
    ]);
}

#[test]
fn fields_that_make_no_sense() {
    check(&[
        (user(json!({"model": "gpt-5"})), "404 model"),
        (user(json!({"model": 3})), "400 model"),
        (user(json!({"stream": "yes"})), "400 stream"),
        (user(json!({"stream_options": {"include_usage": true}})), "400 stream_options"),
        (user(json!({"stream": true, "stream_options": {"include_usage": 1}})), "400 stream_options.include_usage"),
        (user(json!({"max_tokens": 0})), "400 max_tokens"),
        (user(json!({"max_tokens": -5})), "400 max_tokens"),
        (user(json!({"max_tokens": 2.5})), "400 max_tokens"),
        (user(json!({"max_tokens": 3000.0, "max_completion_tokens": 30})), "fine"),
        (user(json!({"temperature": "hot"})), "400 temperature"),
        (user(json!({"temperature": -1})), "400 temperature"),
        (user(json!({"temperature": 1e300})), "400 temperature"),
        (user(json!({"top_p": 0})), "400 top_p"),
        (user(json!({"top_k": -2})), "400 top_k"),
        (user(json!({"top_k": -1})), "fine"),
        (user(json!({"min_p": 2})), "400 min_p"),
        (user(json!({"repetition_penalty": 0})), "400 repetition_penalty"),
        (user(json!({"frequency_penalty": 3})), "400 frequency_penalty"),
        (user(json!({"presence_penalty": [1]})), "400 presence_penalty"),
        (user(json!({"seed": 1.5})), "400 seed"),
        (user(json!({"stop": 3})), "400 stop"),
        (user(json!({"stop": ""})), "400 stop"),
        (user(json!({"stop": ["a", null]})), "400 stop"),
        (user(json!({"stop": vec!["a"; 65]})), "400 stop"),
        (user(json!({"stop": "a".repeat(1025)})), "400 stop"),
        (user(json!({"stop_token_ids": [1.5]})), "400 stop_token_ids"),
        (user(json!({"stop_token_ids": [-1]})), "400 stop_token_ids"),
        (user(json!({"n": 2})), "fine"),
        (user(json!({"n": 0})), "400 n"),
        (user(json!({"n": 9})), "400 n"),
        (user(json!({"n": 1, "best_of": 1})), "fine"),
        (user(json!({"n": 2, "best_of": 2})), "400 best_of"),
        (user(json!({"temperature": " 0.5 ", "max_tokens": "7"})), "fine"),
        (user(json!({"max_tokens": "7.5"})), "400 max_tokens"),
        (user(json!({"max_tokens": "many"})), "400 max_tokens"),
        (user(json!({"top_p": "nan"})), "400 top_p"),
        (user(json!({"repetition_penalty": 1e-45})), "400 repetition_penalty"),
        (user(json!({"repetition_penalty": 0.009})), "400 repetition_penalty"),
        (user(json!({"repetition_penalty": 0.01})), "fine"),
        (user(json!({"model": ""})), "fine"),
        (user(json!({"chat_template_kwargs": {"enable_thinking": "no"}})), "400 chat_template_kwargs.enable_thinking"),
        (user(json!({"chat_template_kwargs": {"enable_thinking": false, "other": 3}})), "fine"),
        (user(json!({"response_format": "json"})), "400 response_format"),
        (user(json!({"response_format": {"type": "xml"}})), "400 response_format.type"),
        (user(json!({"response_format": {"type": "json_schema"}})), "400 response_format.json_schema"),
        (
            user(json!({"response_format": {"type": "json_schema", "json_schema": {"name": "x"}}})),
            "400 response_format.json_schema.schema",
        ),
        (user(json!({"response_format": {"type": "json_object"}, "guided_regex": "a"})), "400 guided_regex"),
        (user(json!({"guided_json": "{"})), "400 guided_json"),
        (user(json!({"guided_json": 3})), "400 guided_json"),
        (user(json!({"guided_regex": ""})), "400 guided_regex"),
        (user(json!({"guided_choice": []})), "400 guided_choice"),
        (user(json!({"guided_choice": ["a", 3]})), "400 guided_choice"),
        (user(json!({"structured_outputs": {"regex": 3}})), "400 structured_outputs.regex"),
        (user(json!({"structured_outputs": {"structural_tag": "x"}})), "400 structured_outputs.structural_tag"),
    ]);
}

#[test]
fn fields_that_are_not_there_are_refused_where_they_matter() {
    check(&[
        (user(json!({"logprobs": true})), "400 logprobs"),
        (user(json!({"logprobs": false, "top_logprobs": 0})), "fine"),
        (user(json!({"logit_bias": {"5": 1}})), "fine"),
        (user(json!({"logit_bias": {"5": 101}})), "400 logit_bias"),
        (user(json!({"logit_bias": {"-5": 1}})), "400 logit_bias"),
        (user(json!({"logit_bias": {"five": 1}})), "400 logit_bias"),
        (user(json!({"logit_bias": {"5": "1"}})), "400 logit_bias"),
        (user(json!({"logit_bias": [5]})), "400 logit_bias"),
        (user(json!({"logit_bias": {}})), "fine"),
        (user(json!({"tools": [{"type": "function"}]})), "400 tools[0].function"),
        (user(json!({"tools": [{"type": "web_search"}]})), "400 tools[0].type"),
        (user(json!({"tools": [{"function": {"name": "a b"}}]})), "400 tools[0].function.name"),
        (user(json!({"tools": [{"function": {"name": "a", "parameters": []}}]})), "400 tools[0].function.parameters"),
        (user(json!({"tools": [{"function": {"name": "a"}}, {"function": {"name": "a"}}]})), "400 tools"),
        (user(json!({"tools": [{"function": {"name": "a"}}]})), "fine"),
        // What the model is told of tools is text too, and a schema is bounded by itself.
        (user(json!({"tools": [{"function": {"name": "a", "description": "x".repeat(1001)}}]})), "400 messages"),
        (
            user(
                json!({"tools": [{"function": {"name": "a", "description": "x".repeat(1001)}}], "tool_choice": "none"}),
            ),
            "fine",
        ),
        (
            user(json!({"tools": [{"function": {"name": "a", "parameters": {"const": "x".repeat(1 << 18)}}}]})),
            "400 tools[0].function.parameters",
        ),
        (user(json!({"guided_json": {"const": "x".repeat(1 << 18)}})), "400 guided_json"),
        (user(json!({"guided_json": {"const": "x".repeat(1 << 17)}})), "fine"),
        (user(json!({"tools": [], "tool_choice": "none", "parallel_tool_calls": true})), "fine"),
        (user(json!({"tool_choice": "required"})), "400 tool_choice"),
        (user(json!({"tool_choice": "auto"})), "fine"),
        (user(json!({"tool_choice": 3})), "400 tool_choice"),
        (
            user(
                json!({"tools": [{"function": {"name": "a"}}], "tool_choice": {"type": "function", "function": {"name": "b"}}}),
            ),
            "400 tool_choice.function.name",
        ),
        (
            user(json!({"tools": [{"function": {"name": "a"}}], "tool_choice": {"type": "function"}})),
            "400 tool_choice.function",
        ),
        (
            user(json!({"tools": [{"function": {"name": "a"}}], "tool_choice": "required", "guided_regex": "a"})),
            "400 guided_regex",
        ),
        (user(json!({"functions": [{"name": "a"}]})), "400 functions"),
        (user(json!({"modalities": ["text", "audio"]})), "400 modalities"),
        (user(json!({"modalities": ["text"]})), "fine"),
        (user(json!({"ignore_eos": true})), "fine"),
        (user(json!({"ignore_eos": "x"})), "400 ignore_eos"),
        (user(json!({"min_tokens": 5})), "fine"),
        (user(json!({"min_tokens": -5})), "400 min_tokens"),
        (user(json!({"continue_final_message": true})), "400 continue_final_message"),
        (user(json!({"add_generation_prompt": false})), "400 add_generation_prompt"),
        (user(json!({"mm_processor_kwargs": {"max_pixels": 5}})), "400 mm_processor_kwargs"),
        (
            user(
                json!({"user": "x", "metadata": {}, "store": true, "service_tier": "auto", "anything": [1, {"a": 2}]}),
            ),
            "fine",
        ),
    ]);
}

#[test]
fn a_message_about_a_mistake_is_short() {
    let long = "x".repeat(1 << 20);
    for body in [
        user(json!({"model": long})),
        message(json!({"role": long, "content": "x"})),
        user(json!({"tool_choice": long})),
        user(json!({"tools": [{"function": {"name": long}}]})),
    ] {
        let response = chat_request::read(body.to_string().as_bytes(), &rules()).unwrap_err();
        assert!(response.json().len() < 1000);
    }
}

/// Any JSON, with words that mean something here more often than chance would have it.
fn anything() -> impl Strategy<Value = Value> {
    let words = prop::sample::select(vec![
        "messages",
        "role",
        "content",
        "user",
        "system",
        "assistant",
        "type",
        "text",
        "image_url",
        "url",
        "stop",
        "model",
        "mini",
        "stream",
        "seed",
        "response_format",
        "json_schema",
        "schema",
        "guided_choice",
        "structured_outputs",
        "temperature",
        "top_k",
        "data:image/png;base64,AAAA",
        "data:,",
        "http://[",
        "\u{0}",
        "é",
    ]);
    let text = prop_oneof![words.prop_map(str::to_owned), ".{0,8}"].boxed();
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text.clone().prop_map(Value::String),
    ];
    leaf.prop_recursive(5, 64, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            prop::collection::vec((text.clone(), inner), 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = chat_request::read(&bytes, &rules());
    }

    #[test]
    fn any_json_is_read_or_refused(value in anything(), messages in anything(), more in anything()) {
        let bodies = [
            value.clone(),
            json!({"messages": messages, "stop": more}),
            message(value.clone()),
            message(json!({"role": "user", "content": value})),
            part(messages.clone()),
            user(json!({"response_format": messages, "structured_outputs": more, "seed": more})),
        ];
        for body in bodies {
            if let Err(response) = chat_request::read(body.to_string().as_bytes(), &rules()) {
                prop_assert!(response.json().len() < 4000);
                prop_assert!(response.status.is_client_error());
            }
        }
    }

    #[test]
    fn a_good_request_with_a_byte_changed_is_read_or_refused(at in 0usize..400, byte in any::<u8>(), cut in any::<bool>()) {
        let good = json!({
            "model": "mini", "stream": true, "stream_options": {"include_usage": true}, "max_tokens": 30, "stop": ["a"],
            "messages": [{"role": "user", "content": [
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}, {"type": "text", "text": "é"},
            ]}],
            "response_format": {"type": "json_schema", "json_schema": {"schema": {"type": "object"}}},
        });
        let mut bytes = good.to_string().into_bytes();
        let at = at % bytes.len();
        if cut { bytes.truncate(at) } else { bytes[at] = byte }
        let _ = chat_request::read(&bytes, &rules());
    }

    #[test]
    fn any_file_is_a_picture_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300), kind in 0usize..4, at in any::<prop::sample::Index>()) {
        let format = [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP][kind % 3];
        let mut picture = file(format, 20, 12);
        // Some bytes of a real one are overwritten; or it is nothing but chance.
        let start = at.index(picture.len());
        for (old, new) in picture[start..].iter_mut().zip(&bytes) {
            *old = *new;
        }
        for file in [&picture, &bytes] {
            if let Ok(size) = picture::measure(file, 1 << 16) {
                let _ = picture::decode(file, size);
            }
        }
    }
}
