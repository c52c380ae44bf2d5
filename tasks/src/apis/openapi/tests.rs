//! Descriptions, good, odd and broken, and what of them is offered.

use expect_test::{Expect, expect};
use serde_json::json;

use super::*;

fn options() -> OpenApiOptions {
    OpenApiOptions {
        name: "s".to_owned(),
        description: DescriptionSource::Address("https://h.example/d/openapi.json".to_owned()),
        url: Some("https://h.example/v1".to_owned()),
        headers: BTreeMap::new(),
        operations: None,
        effect: None,
        effects: BTreeMap::new(),
        start: Duration::from_secs(1),
        within: Duration::from_secs(1),
        answer_bytes_max: 1000,
        is_optional: false,
    }
}

fn read_with(text: &str, options: &OpenApiOptions) -> Result<OperationList, String> {
    let (root, is_older) = read_document(text.as_bytes())?;
    let base: Url = "https://h.example/v1".parse().unwrap();
    let is_elsewhere = |servers: &Value| {
        server_addresses(servers, Some(&base)).into_iter().find(|said| said.trim_end_matches('/') != base.as_str())
    };
    Ok(OperationList::read(&root, is_older, options, is_elsewhere))
}

/// The operations with what they take, and what is left out.
fn told(text: &str, options: &OpenApiOptions) -> String {
    let list = match read_with(text, options) {
        Ok(list) => list,
        Err(why) => return format!("no description: {why}\n"),
    };
    let mut told = String::new();
    for Operation { spec, .. } in &list.operations {
        let signature = tapwright_agent::schema::Schema::of_object(&spec.parameters).unwrap().signature();
        told += &format!("{} {signature} {:?}\n", spec.name, spec.effect);
    }
    for UnofferedApi { name, why, .. } in &list.left_out {
        told += &format!("- {name}: {why}\n");
    }
    told
}

fn check(text: &str, expected: Expect) {
    expected.assert_eq(&told(text, &options()));
}

/// A description with one operation that takes `body`.
fn with_body(version: &str, schemas: &str, body: &str) -> String {
    format!(
        "openapi: {version}\npaths: {{/a: {{post: {{operationId: a, requestBody: {{required: true, content: {{application/json: {{schema: {body}}}}}}}}}}}}}\n\
         components: {{schemas: {{{schemas}}}}}\n"
    )
}

/// The same in 3.1, and what its one operation takes.
fn check_body(schemas: &str, body: &str, expected: Expect) {
    expected.assert_eq(&told(&with_body("3.1.0", schemas, body), &options()));
}

#[test]
fn operations_are_calls() {
    check(
        include_str!("cases/pets.yaml"),
        expect![[r#"
        s.listPets {kind: "on" | "off" | "yes", trace?: string, limit?: integer, tags?: [string]} Reads
        s.createPet {body: {name: string, tag?: string or null}, trace?: string} LeavesTheDevice
        s.pets_get-one {petId: string, petId_query?: boolean} Reads
        s.put_pets_petId {petId: integer, petId_query?: boolean, body?: {name?: string}} LeavesTheDevice
        s.deletePet {petId: string, petId_query?: boolean} Irreversible
        s.head_pets_petId {petId: string, petId_query?: boolean} Reads
        s.notePhoto {petId: string} LeavesTheDevice
        s.get_search {filter?: {colour?: string}, where?: {near?: string}, body_query?: string} Reads
        - s.setPhoto: its body is neither JSON nor a form: image/png
        - s.old: the service says that it is deprecated; if it is wanted, name it: [apis.s] operations = ["old"]
    "#]],
    );
}

#[test]
fn what_is_no_description_is_said() {
    for (text, words) in [
        ("", "it does not say openapi"),
        ("\u{feff}", "it does not say openapi"),
        ("a: [", "it is neither JSON nor YAML"),
        ("{\"openapi\": \"3.0.0\", ", "it is no JSON: "),
        ("[]", "it does not say openapi"),
        ("<html><body>Not found</body></html>", "it does not say openapi"),
        ("swagger: '2.0'\npaths: {}", "written by Swagger 2.0; convert it to OpenAPI 3 first"),
        ("swagger: 2.0\npaths: {}", "written by Swagger 2"),
        ("openapi: 2.5.0\npaths: {}", "written by OpenAPI 2.5.0; understood is 3"),
        ("openapi: 4.0.0\npaths: {}", "understood is 3"),
        ("openapi: 3.0.3", "it has no paths"),
        ("openapi: 3.0.3\npaths: [1]", "it has no paths"),
        ("openapi: 3.1.0\nwebhooks: {}", "it has no paths"),
        ("a: &a [*a]\nopenapi: 3.0.0\npaths: {}", "it is neither"),
    ] {
        let told = told(text, &options());
        assert!(told.starts_with("no description: ") && told.contains(words), "{text:?}: {told}");
    }
    assert!(read_document(b"\xff\xfe{}").unwrap_err().contains("UTF-8"));
    let deep = format!("openapi: 3.0.0\npaths: {}{}", "{a: ".repeat(300), "}".repeat(300));
    assert!(told(&deep, &options()).contains("nested"), "{}", told(&deep, &options()));
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    (1..20).for_each(|nth| {
        let before = vec![format!("*a{}", nth - 1); 10].join(", ");
        bomb += &format!("a{nth}: &a{nth} [{before}]\n");
    });
    assert!(told(&bomb, &options()).contains("aliases"), "{}", told(&bomb, &options()));
    // By a number in YAML, and with a mark before it, it is one.
    for text in
        ["openapi: 3.1\npaths: {/a: {get: {}}}", "\u{feff}{\"openapi\": \"3.0.0\", \"paths\": {\"/a\": {\"get\": {}}}}"]
    {
        assert_eq!(told(text, &options()), "s.get_a object Reads\n", "{text}");
    }
}

#[test]
fn one_odd_operation_is_left_out_alone() {
    check(
        include_str!("cases/odd.yaml"),
        expect![[r##"
        s.fine object Reads
        s.same object Reads
        s.a_b_c object Reads
        s.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa object Reads
        - s.noSlash: its path begins with a slash, and has no ?, #, % or dots that lead elsewhere
        - s.question: its path begins with a slash, and has no ?, #, % or dots that lead elsewhere
        - s.up: its path begins with a slash, and has no ?, #, % or dots that lead elsewhere
        - s.coded: its path begins with a slash, and has no ?, #, % or dots that lead elsewhere
        - s.undeclared: its path has {id}, which is none of its parameters
        - s.matrix: its parameter "id": it is in "path" in the style matrix, which is not known here
        - s.elsewhere: it is at another server than url is, https://evil.example/
        - s.FINE: another one has this name; capital letters do not count
        - s.cookie: its parameter "sid": cookies are the settings' to say: headers = { cookie = "…" }
        - s.key: its parameter "authorization": such a header is the settings' to say: headers = { … }
        - s.upload: its body is neither JSON nor a form: multipart/form-data
        - s.noContent: its body has no content
        - s.noSchema: its parameter "a": it has no schema
        - s.badRef: one of its parameters: there is no "#/components/parameters/None" in the description
        - s.loopRef: one of its parameters: its references lead to references without end
        - s.otherFile: its body: it refers to another file, "https://evil.example/bodies.yaml"
        - s.otherBody: its body: it refers to another file, "file:///etc/passwd"
        - s.fine: another one has this name; capital letters do not count
        - s.object: its parameter "f": an object is written into a query as deepObject or as JSON only
        - s.injected: its parameter "a b: c": such a header is the settings' to say: headers = { … }
    "##]],
    );
}

#[test]
fn schemas_without_end_have_one() {
    check_body(
        "Node: {type: object, required: [name], properties: {name: {type: string}, next: {$ref: '#/components/schemas/Node'}}}",
        "{$ref: '#/components/schemas/Node'}",
        expect![[r#"
            s.a {body: {name: string, next?: {name: string}}} LeavesTheDevice
        "#]],
    );
    check_body(
        "Tree: {type: object, properties: {children: {type: array, items: {$ref: '#/components/schemas/Tree'}}}}",
        "{$ref: '#/components/schemas/Tree'}",
        expect![[r#"
            s.a {body: {children?: [{children?: array}]}} LeavesTheDevice
        "#]],
    );
    check_body(
        "A: {type: object, required: [b], properties: {b: {$ref: '#/components/schemas/B'}}}, B: {type: object, required: [a], properties: {a: {$ref: '#/components/schemas/A'}}}",
        "{$ref: '#/components/schemas/A'}",
        expect![[r#"
            - s.a: its body: "b": "a": "b": "a": it comes back to itself, so that it has no end
        "#]],
    );
    check_body(
        "A: {$ref: '#/components/schemas/B'}, B: {$ref: '#/components/schemas/A'}",
        "{$ref: '#/components/schemas/A'}",
        expect![[r#"
            - s.a: its body: it comes back to itself, so that it has no end
        "#]],
    );
    check_body(
        "A: {allOf: [{$ref: '#/components/schemas/A'}, {type: object}]}",
        "{$ref: '#/components/schemas/A'}",
        expect![[r#"
            - s.a: its body: it comes back to itself, so that it has no end
        "#]],
    );
    check_body(
        "A: {oneOf: [{type: string}, {type: array, items: {$ref: '#/components/schemas/A'}}]}",
        "{$ref: '#/components/schemas/A'}",
        expect![[r#"
            s.a {body: string or [string or array]} LeavesTheDevice
        "#]],
    );
    check_body(
        "A: {type: object, additionalProperties: {$ref: '#/components/schemas/A'}}",
        "{$ref: '#/components/schemas/A'}",
        expect![[r#"
            s.a {body: object} LeavesTheDevice
        "#]],
    );
    // Each is within each: written out it would be larger than anything, and what lies deep is cut.
    let many: Vec<String> = (0..30)
        .map(|nth| {
            let fields: Vec<String> =
                (0..30).map(|to| format!("f{to}: {{$ref: '#/components/schemas/S{to}'}}")).collect();
            format!("S{nth}: {{type: object, properties: {{{}}}}}", fields.join(", "))
        })
        .collect();
    check_body(
        &many.join(", "),
        "{$ref: '#/components/schemas/S0'}",
        expect![[r#"
            s.a {body: {f1?: object, f2?: object, f3?: object, f4?: object, f5?: object, f6?: object, f7?: object, f8?: object, f9?: object, f10?: object, f11?: object, f12?: object, f13?: object, f14?: object, f15?: object, f16?: object, f17?: object, f18?: object, f19?: object, f20?: object, f21?: object, f22?: object, f23?: object, f24?: object, f25?: object, f26?: object, f27?: object, f28?: object, f29?: object}} LeavesTheDevice
        "#]],
    );
    let deep = format!("{}{{type: string}}{}", "{type: object, properties: {a: ".repeat(12), "}}".repeat(12));
    check_body(
        "",
        &deep,
        expect![[r#"
        s.a {body: {a?: {a?: {a?: {a?: {a?: {a?: {a?: object}}}}}}}} LeavesTheDevice
    "#]],
    );
}

#[test]
fn schemas_are_put_together() {
    check_body(
        "Base: {type: object, required: [id], properties: {id: {type: integer}}}",
        "{allOf: [{$ref: '#/components/schemas/Base'}, {type: object, properties: {tag: {type: string, enum: [a, b]}}, required: [tag]}]}",
        expect![[r#"
            s.a {body: {id: integer, tag: "a" | "b"}} LeavesTheDevice
        "#]],
    );
    check_body(
        "Cat: {type: object, properties: {claws: {type: integer}}, required: [claws]}, Dog: {type: object, properties: {barks: {type: boolean}}}",
        "{type: object, properties: {name: {type: string}}, required: [name], oneOf: [{$ref: '#/components/schemas/Cat'}, {$ref: '#/components/schemas/Dog'}], discriminator: {propertyName: name}}",
        expect![[r#"
            s.a {body: {name: string, claws: integer} or {name: string, barks?: boolean}} LeavesTheDevice
        "#]],
    );
    check_body(
        "",
        "{allOf: [{type: string}, {type: integer}]}",
        expect![[r#"
        - s.a: its body: its parts are of different types
    "#]],
    );
    check_body(
        "",
        "{allOf: [{type: number, minimum: 1}, {type: integer, minimum: 3, maximum: 5}]}",
        expect![[r#"
        s.a {body: integer} LeavesTheDevice
    "#]],
    );
    check_body(
        "",
        "{type: object, properties: {id: {type: integer, readOnly: true}, a: {type: [string, 'null']}}, required: [id, a]}",
        expect![[r#"
            s.a {body: {a: string or null}} LeavesTheDevice
        "#]],
    );
    check_body(
        "",
        "{type: object, required: [x], properties: {a: {type: string}}}",
        expect![[r#"
        s.a {body: {x: anything, a?: string}} LeavesTheDevice
    "#]],
    );
    check_body(
        "",
        "{type: object, properties: {p: {type: string, pattern: '(?=a)b'}, q: {type: number, multipleOf: 0.5, not: {const: 1}}}}",
        expect![[r#"
            s.a {body: {p?: string, q?: number}} LeavesTheDevice
        "#]],
    );
    check_body(
        "A: {type: string}",
        "{$ref: '#/components/schemas/A', enum: [x, y]}",
        expect![[r#"
        s.a {body: "x" | "y"} LeavesTheDevice
    "#]],
    );
    check_body(
        "",
        "true",
        expect![[r#"
        s.a {body: anything} LeavesTheDevice
    "#]],
    );
    check_body(
        "",
        "false",
        expect![[r#"
        - s.a: its body: nothing fits its schema
    "#]],
    );
    check_body(
        "",
        "{type: file}",
        expect![[r#"
        - s.a: its body: its type "file" is none of JSON
    "#]],
    );
    check_body(
        "",
        "{type: array, items: {$ref: 'other.yaml#/A'}}",
        expect![[r#"
        s.a {body: array} LeavesTheDevice
    "#]],
    );
    check_body(
        "",
        "{type: object, required: [a], properties: {a: {$ref: '#/nowhere'}}}",
        expect![[r##"
        - s.a: its body: "a": there is no "#/nowhere" in the description
    "##]],
    );
    // What 3.0 has for itself.
    let older = with_body(
        "3.0.3",
        "A: {type: integer, minimum: 0, exclusiveMinimum: true, nullable: true}",
        "{type: object, properties: {a: {$ref: '#/components/schemas/A', description: not counted}, b: {type: string, nullable: true, enum: [x]}}}",
    );
    check(
        &older,
        expect![[r#"
        s.a {body: {a?: integer or null, b?: "x" | null}} LeavesTheDevice
    "#]],
    );
    let list = read_with(&older, &options()).unwrap();
    assert_eq!(
        list.operations[0].spec.parameters["properties"]["body"]["properties"]["a"],
        json!({"type": ["integer", "null"], "exclusiveMinimum": 0})
    );
}

#[test]
fn the_settings_say_what_is_wanted_and_what_it_does() {
    let text = include_str!("cases/pets.yaml");
    let mut own = options();
    own.operations = Some(vec!["list*".to_owned(), "DELETE /pets/{petId}".to_owned()]);
    own.effects = BTreeMap::from([("deletePet".to_owned(), ApiEffect::Changes)]);
    let list = read_with(text, &own).unwrap();
    let offered: Vec<_> = list.operations.iter().map(|one| (one.spec.name.as_str(), one.spec.effect)).collect();
    assert_eq!(offered, [("s.listPets", ApiEffect::Reads), ("s.deletePet", ApiEffect::Changes)]);
    assert!(list.left_out.iter().all(|api| api.is_unchosen), "{:?}", list.left_out);
    assert_eq!(list.unknown, None);
    own.operations = Some(vec!["listPet".to_owned()]);
    let unknown = read_with(text, &own).unwrap().unknown.unwrap();
    assert_eq!((unknown.name.as_str(), unknown.near.as_deref()), ("listPet", Some("listPets")));
    own.operations = None;
    own.effects = BTreeMap::from([("delete_pet".to_owned(), ApiEffect::Reads)]);
    assert_eq!(read_with(text, &own).unwrap().unknown.unwrap().name, "delete_pet");
    // What is not named is offered as far as there is room.
    let paths: Vec<String> = (0..50).map(|nth| format!("/p{nth}: {{get: {{operationId: p{nth}}}}}")).collect();
    let many = format!("openapi: 3.0.0\npaths: {{{}}}", paths.join(", "));
    let list = read_with(&many, &options()).unwrap();
    assert_eq!((list.operations.len(), list.left_out.len()), (32, 18));
    assert!(
        !list.left_out[0].is_unchosen && list.left_out[0].why.contains("operations = [\"p32\"]"),
        "{:?}",
        list.left_out[0]
    );
    let mut named = options();
    named.operations = Some(vec!["p4*".to_owned()]);
    assert_eq!(read_with(&many, &named).unwrap().operations.len(), 11);
}

#[test]
fn where_requests_go_is_the_settings() {
    let base = |url: Option<&str>, from: Option<&str>, servers: Value| {
        let own = OpenApiOptions { url: url.map(str::to_owned), ..options() };
        let from = from.map(|from| from.parse().unwrap());
        match own.base(&json!({ "servers": servers }), from.as_ref()) {
            Ok(url) => url.to_string(),
            Err(error) => format!("{error} ({})", error.help.clone().unwrap_or_default()),
        }
    };
    let from = Some("https://h.example/d/openapi.json");
    for (url, from, servers, expected) in [
        (Some("https://a.example/x"), from, json!([{"url": "https://evil.example"}]), "https://a.example/x"),
        (None, from, json!([{"url": "/v2"}]), "https://h.example/v2"),
        (None, from, json!([{"url": "v2"}]), "https://h.example/d/v2"),
        (None, from, json!(null), "https://h.example/"),
        (
            None,
            from,
            json!([{"url": "https://h.example:8443/"}]),
            "another host than it is from, https://h.example:8443/",
        ),
        (None, from, json!([{"url": "http://h.example/"}]), "another host than it is from"),
        (None, from, json!([{"url": "//evil.example/v1"}]), "another host than it is from, https://evil.example/v1"),
        (None, from, json!([{"url": "https://h.example@evil.example/"}]), "another host"),
        (
            None,
            from,
            json!([{"url": "https://{sub}.example/{v}", "variables": {"sub": {"default": "h"}, "v": {"default": "v3"}}}]),
            "https://h.example/v3",
        ),
        (
            None,
            None,
            json!([{"url": "https://a.example/v1"}]),
            "if that is where what a model writes may go: url = \"https://a.example/v1\"",
        ),
        (None, None, json!(null), "url says where the service is"),
    ] {
        let told = base(url, from, servers.clone());
        assert!(told.contains(expected), "{url:?} {from:?} {servers}: {told}");
    }
}
