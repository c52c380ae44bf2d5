//! XPath 1.0, as far as it selects elements: all axes but `namespace`, predicates, and the functions over text and numbers.

mod expression;
mod reader;

use roxmltree::{Document, Node};

use super::Namespaces;

/// Selects elements, in the order of the document.
pub fn select<'a>(tree: &'a Document<'a>, path: &str, namespaces: &Namespaces) -> Result<Vec<Node<'a, 'a>>, String> {
    let expression = reader::parse(path, namespaces)?;
    let mut found = expression::Evaluation::new().nodes(&expression, tree.root_element())?;
    // Numbers are given as the document is read.
    found.sort_by_key(|node| node.id().get());
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TREE: &str = r#"<desktop-frame xmlns:st="https://accessibility.ubuntu.example.org/ns/state">
      <application name="Thunderbird"><label name="To">anonym@outlook.com</label><label name="Password" st:visible="true">b</label></application>
      <application name="Files"><label name="3">x<label name="7"/></label></application>
    </desktop-frame>"#;

    fn names(path: &str) -> Result<String, String> {
        let tree = Document::parse(TREE).unwrap();
        let found = select(&tree, path, &super::super::namespaces("ubuntu").unwrap())?;
        Ok(found.iter().map(|node| node.attribute("name").unwrap_or("-")).collect::<Vec<_>>().join("|"))
    }

    #[test]
    fn elements_by_path() {
        for (path, expected) in [
            (
                "//application[@name='Thunderbird']//*[contains(text(), 'anonym@outlook') or contains(@name, 'anonym')]",
                "To",
            ),
            (
                "//application[@name='Thunderbird']//*[contains(@name, 'password') or contains(@name, 'Password')]",
                "Password",
            ),
            ("/desktop-frame", "-"),
            ("/desktop-frame/application[2]", "Files"),
            ("//application[last()]", "Files"),
            ("//label[@st:visible='true']", "Password"),
            ("//label[not(@st:visible)][starts-with(@name, 'T')]", "To"),
            ("//label[number(@name) > 2 and @name * 2 <= 8]", "3"),
            ("//label/..", "Thunderbird|Files|3"),
            ("//*[self::label and count(label) = 1]", "3"),
            ("//label[position() = 1]", "To|3|7"),
            ("(//label)[1]", "To"),
            ("//label[@name='7']/ancestor::application", "Files"),
            ("//label[@name='To']/following-sibling::*", "Password"),
            ("//label[@name='7']/preceding::label", "To|Password"),
            ("//application[label[@name='To']] | //label[@name='7']", "Thunderbird|7"),
            ("//label[normalize-space(.) = 'x']", "3"),
            ("//label[string-length(@name) = 1][translate(@name, '37', 'ab') = 'a']", "3"),
            ("//label[concat(@name, '-', local-name()) = 'To-label']", "To"),
            ("//nothing", ""),
            ("application", "Thunderbird|Files"),
            ("//label[substring-after(., '@') = 'outlook.com']", "To"),
            ("//label[. = 'b' and 'a' != 'c']", "Password"),
        ] {
            assert_eq!(names(path), Ok(expected.to_owned()), "{path}");
        }
    }

    #[test]
    fn what_cannot_be_used_is_said() {
        for path in [
            "",
            "//",
            "//a[",
            "//a[nothing()]",
            "//x:a",
            "1 + 1",
            "//a[@b='c]",
            "namespace::a",
            "//a[contains(@b)]",
            "//a]",
            "$x",
            &"(".repeat(5_000),
            &"//*[".repeat(5_000),
        ] {
            assert!(names(path).is_err(), "{path}");
        }
        let tree = format!("<a>{}</a>", "<b/>".repeat(3_000));
        let tree = Document::parse(&tree).unwrap();
        let namespaces = super::super::namespaces("ubuntu").unwrap();
        let error = select(&tree, "//b[count(//b[count(//b) = 0]) = 0]", &namespaces).expect_err("too many steps");
        assert!(error.contains("steps"), "{error}");
    }
}
