//! All templates and tables of a suite, read from their files and checked.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use tapwright_phone::Language;

use crate::template::{ByLanguage, Cells, Expect, Part, Source, Template, references};

/// Templates, and the tables that they draw from.
#[derive(Clone, Debug)]
pub struct Catalog {
    templates: Vec<Template>,
    tables: BTreeMap<String, ByLanguage<Cells>>,
}

/// Why files are no catalog.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CatalogError {
    /// It is not TOML, or has a key that nobody knows, or misses one.
    #[error("{file}: {why}")]
    File { file: String, why: String },
    /// A template or a table says something that cannot be.
    #[error("{name}: {why}")]
    Content { name: String, why: String },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TemplateFile {
    template: Vec<Template>,
}

/// The most parts of a template, and the most letters of a goal's sentence.
const PARTS_MAX: usize = 5;
const SENTENCE_MAX: usize = 600;

impl Catalog {
    /// Reads files, each with its name for people.
    ///
    /// # Errors
    /// `CatalogError` if one cannot be read, or what it says cannot be.
    pub fn parse(templates: &[(&str, &str)], tables: &[(&str, &str)]) -> Result<Catalog, CatalogError> {
        let mut catalog = Catalog { templates: Vec::new(), tables: BTreeMap::new() };
        for (file, text) in tables {
            let read: BTreeMap<String, ByLanguage<Cells>> = read(file, text)?;
            for (name, table) in read {
                if catalog.tables.insert(name.clone(), table).is_some() {
                    return Err(CatalogError::Content { name, why: "there are two tables of that name".to_owned() });
                }
            }
        }
        for (file, text) in templates {
            let TemplateFile { template } = read(file, text)?;
            catalog.templates.extend(template);
        }
        catalog.check()?;
        Ok(catalog)
    }

    /// All templates, in the order of their files.
    pub fn templates(&self) -> &[Template] {
        &self.templates
    }

    /// A template by name.
    pub fn template(&self, name: &str) -> Option<&Template> {
        self.templates.iter().find(|template| template.name == name)
    }

    /// All tables, by name.
    pub fn tables(&self) -> &BTreeMap<String, ByLanguage<Cells>> {
        &self.tables
    }

    /// The rows of a table for a part and a language.
    pub fn rows(&self, table: &str, part: Part, language: Language) -> &[Cells] {
        self.tables.get(table).and_then(|table| table.of(language)).map_or(&[], |halves| halves.of(part))
    }

    /// The templates that a template is made of: itself, if it has no parts.
    pub fn parts<'a>(&'a self, template: &'a Template) -> Vec<&'a Template> {
        if template.parts.is_empty() {
            return vec![template];
        }
        template.parts.iter().filter_map(|name| self.template(name)).collect()
    }

    /// The apps that a template is about, those of its parts among them.
    pub fn apps(&self, template: &Template) -> BTreeSet<String> {
        let own = template.apps.iter().cloned();
        let of_parts = self.parts(template).into_iter().flat_map(|part| part.apps.iter().cloned());
        own.chain(of_parts).collect()
    }

    /// About how many actions a careful person needs.
    pub fn steps(&self, template: &Template) -> u32 {
        let parts = self.parts(template).iter().map(|part| part.steps).sum();
        if template.steps > 0 { template.steps } else { parts }
    }

    fn check(&self) -> Result<(), CatalogError> {
        let mut names = BTreeSet::new();
        for template in &self.templates {
            let wrong = |why: String| CatalogError::Content { name: template.name.clone(), why };
            if !names.insert(&template.name) {
                return Err(wrong("there are two templates of that name".to_owned()));
            }
            if template.parts.is_empty() { self.check_single(template) } else { self.check_parts(template) }
                .map_err(wrong)?;
        }
        Ok(())
    }

    fn check_parts(&self, template: &Template) -> Result<(), String> {
        let has_own = !template.slots.is_empty()
            || !template.expect.is_empty()
            || !template.start.is_empty()
            || template.say.is_some()
            || template.answer.is_some();
        if has_own {
            return Err("a template of parts has nothing else than a name, a kind and parts".to_owned());
        }
        if !(2..=PARTS_MAX).contains(&template.parts.len()) {
            return Err(format!("a template is made of 2 to {PARTS_MAX} parts"));
        }
        for name in &template.parts {
            let part = self.template(name).ok_or_else(|| format!("there is no template `{name}`"))?;
            if !part.parts.is_empty() || part.answer.is_some() || part.kind.ends() != template.kind.ends() {
                return Err(format!("`{name}` cannot be a part: it has parts, asks a question, or has another end"));
            }
        }
        Ok(())
    }

    fn check_single(&self, template: &Template) -> Result<(), String> {
        let Some(say) = &template.say else { return Err("it has no sentences: write [template.say.en]".to_owned()) };
        let mut texts: Vec<&str> = Vec::new();
        for language in say.languages() {
            let Some(halves) = say.of(language) else { continue };
            if halves.training.is_empty() || halves.measuring.is_empty() {
                return Err(format!("`say.{}` needs sentences for training and for measuring", language.code()));
            }
            texts.extend(halves.training.iter().chain(&halves.measuring).map(String::as_str));
        }
        if let Some(long) = texts.iter().find(|text| text.chars().count() > SENTENCE_MAX) {
            return Err(format!("a sentence has more than {SENTENCE_MAX} letters: {long:.40}…"));
        }
        let is_silent = template.expect.is_empty() && template.answer.is_none();
        if is_silent && template.kind.ends().first() == template.kind.ends().last() {
            return Err("it expects nothing: write [[template.expect]] or [template.answer]".to_owned());
        }
        texts.extend(template.start.iter().flat_map(|given| [given.fact.as_str(), given.is.as_str()]));
        texts.extend(template.expect.iter().flat_map(texts_of));
        texts.extend(template.may_change.iter().map(String::as_str));
        if let Some(answer) = &template.answer {
            let all = answer.contains.iter().chain(&answer.any_of).chain(&answer.without).chain(&answer.on);
            texts.extend(all.map(String::as_str));
        }
        for (name, slot) in &template.slots {
            if let Source::Table(table) = &slot.source
                && !self.tables.contains_key(table)
            {
                return Err(format!("slot `{name}`: there is no table `{table}`"));
            }
            texts.extend(slot.texts());
        }
        for text in texts {
            for (slot, _) in references(text)? {
                if !template.slots.contains_key(slot) {
                    return Err(format!("there is no slot `{slot}` for `{text}`"));
                }
            }
        }
        Ok(())
    }
}

fn texts_of(expect: &Expect) -> Vec<&str> {
    match expect {
        Expect::Is { fact, any_of, .. } => any_of.iter().map(String::as_str).chain([fact.as_str()]).collect(),
        Expect::Matches { fact, pattern } => vec![fact, pattern],
        Expect::Plus { fact, .. } | Expect::Gone { fact } => vec![fact],
        Expect::Rows { head: of, add, remove, .. } | Expect::List { fact: of, add, remove, .. } => {
            add.iter().chain(remove).map(String::as_str).chain([of.as_str()]).collect()
        }
    }
}

fn read<T: serde::de::DeserializeOwned>(file: &str, text: &str) -> Result<T, CatalogError> {
    toml::from_str(text).map_err(|error| CatalogError::File { file: file.to_owned(), why: error.to_string() })
}
