//! A small XML tree that takes documents as they come.
//!
//! Does: read as far as the document makes sense; drop comments, instructions and unknown entities.
//! Does not: expand entities that a document declares; such a document is refused.
//! Invariant: at most [`MAX_DEPTH`] levels, at most [`MAX_ELEMENTS`] elements.

use quick_xml::{
    Reader,
    escape::resolve_predefined_entity,
    events::{BytesRef, BytesStart, Event},
};

use super::NfoError;

const MAX_DEPTH: usize = 16;
const MAX_ELEMENTS: usize = 20_000;
const MAX_ATTRIBUTES: usize = 16;

/// One element; names are lower case and without prefix.
#[derive(Debug, Default)]
pub(super) struct Element {
    pub name: String,
    pub attributes: Vec<(String, String)>,
    pub text: String,
    pub children: Vec<Element>,
}

impl Element {
    /// Returns the children called `name`.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Element> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// Returns the trimmed text of the first child called `name` that has any.
    pub fn text_of<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        self.all(name).map(|child| child.text.trim()).find(|text| !text.is_empty())
    }

    /// Returns an attribute.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// Reads every root of the text; what follows the first thing that is no XML at all is left out.
pub(super) fn parse(text: &str) -> Result<Vec<Element>, NfoError> {
    let mut reader = Reader::from_str(text);
    let config = reader.config_mut();
    config.check_end_names = false;
    config.allow_unmatched_ends = true;
    config.allow_dangling_amp = true;
    let mut builder = Builder::default();
    loop {
        match reader.read_event() {
            Ok(Event::Start(tag)) => builder.open(&tag),
            Ok(Event::Empty(tag)) => {
                builder.open(&tag);
                builder.close_innermost();
            }
            Ok(Event::End(tag)) => builder.close(&lower(tag.local_name().as_ref())),
            Ok(Event::Text(text)) => builder.text(&text.xml10_content()),
            Ok(Event::CData(text)) => builder.text(&text.xml10_content()),
            Ok(Event::GeneralRef(entity)) => builder.entity(&entity),
            Ok(Event::DocType(declaration)) if declaration.to_ascii_uppercase().contains("<!ENTITY") => {
                return Err(NfoError::Entities);
            }
            Ok(Event::Eof) | Err(_) => return Ok(builder.finish()),
            Ok(_) => {}
        }
    }
}

#[derive(Default)]
struct Builder {
    open: Vec<Element>,
    done: Vec<Element>,
    elements: usize,
    /// Open elements that are too deep to be kept.
    ignored: Vec<String>,
}

impl Builder {
    fn open(&mut self, tag: &BytesStart<'_>) {
        let name = lower(tag.local_name().as_ref());
        self.elements += 1;
        if self.open.len() >= MAX_DEPTH || self.elements > MAX_ELEMENTS {
            self.ignored.push(name);
            return;
        }
        let mut attributes = tag.html_attributes();
        let attributes = attributes.with_checks(false).flatten().take(MAX_ATTRIBUTES);
        let attributes = attributes.map(|pair| (lower(pair.key.local_name().as_ref()), pair.value.into_owned()));
        self.open.push(Element { name, attributes: attributes.collect(), ..Element::default() });
    }

    /// Closes the innermost open element of that name and what was left open in it; an end without a start is ignored.
    fn close(&mut self, name: &str) {
        if let Some(at) = self.ignored.iter().rposition(|open| open == name) {
            self.ignored.truncate(at);
            return;
        }
        let Some(at) = self.open.iter().rposition(|open| open.name == name) else { return };
        self.ignored.clear();
        while self.open.len() > at {
            self.close_innermost();
        }
    }

    fn close_innermost(&mut self) {
        if self.ignored.pop().is_some() {
            return;
        }
        let Some(element) = self.open.pop() else { return };
        match self.open.last_mut() {
            Some(parent) => parent.children.push(element),
            None => self.done.push(element),
        }
    }

    fn text(&mut self, text: &str) {
        if let (Some(element), true) = (self.open.last_mut(), self.ignored.is_empty()) {
            element.text.push_str(text);
        }
    }

    fn entity(&mut self, entity: &BytesRef<'_>) {
        let character = entity.resolve_char_ref().ok().flatten();
        match (character, resolve_predefined_entity(entity)) {
            (Some(character), _) => self.text(character.encode_utf8(&mut [0; 4])),
            (None, Some(text)) => self.text(text),
            (None, None) if &**entity == "nbsp" => self.text(" "),
            // A reference to no character at all.
            (None, None) if entity.is_char_ref() => {}
            // "Tom&Jerry;" was meant as text by whoever wrote it by hand.
            (None, None) => self.text(&format!("&{};", &**entity)),
        }
    }

    fn finish(mut self) -> Vec<Element> {
        self.ignored.clear();
        while !self.open.is_empty() {
            self.close_innermost();
        }
        self.done
    }
}

fn lower(name: impl AsRef<str>) -> String {
    name.as_ref().to_ascii_lowercase()
}
