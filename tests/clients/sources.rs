//! What the tests of this directory run of the pages of `docs/clients`, told from their source. A comment runs nothing,
//! and neither does a test that is ignored, or a module that is not compiled.

use std::fs;

use crate::harness::repository;

/// A test of this directory.
pub(crate) struct Test {
    pub(crate) name: String,
    /// Why it is not run, as its attribute says.
    pub(crate) ignored: Option<String>,
    /// The text of the test and of all functions of its file that it calls, with constants for headings in place.
    reach: String,
}

/// All tests of this directory.
pub(crate) fn tests() -> Vec<Test> {
    let directory = repository().join("tests/clients");
    let read = |name: &str| without_comments(&fs::read_to_string(directory.join(name)).unwrap());
    let main = read("main.rs");
    let modules =
        main.lines().filter_map(|line| line.strip_prefix("mod ")?.strip_suffix(';')).map(|name| format!("{name}.rs"));
    modules.filter(|file| directory.join(file).exists()).flat_map(|file| tests_of(&read(&file))).collect()
}

impl Test {
    /// Whether the test runs the commands that a page has under a heading.
    pub(crate) fn runs(&self, page: &str, heading: &str) -> bool {
        let quoted = format!("\"{heading}\"");
        let names = |call: &str| arguments(&self.reach, call).any(|argument| argument.contains(&quoted));
        let has = |text: &str| self.reach.contains(text);
        match has(&format!("::read(\"{page}\")")) {
            true if has(".run(") || has(".shell(") => !names(".without("),
            true => has("follow(") && names(".commands("),
            false => false,
        }
    }
}

/// A function that stands at the beginning of a line, as formatted.
struct Function<'a> {
    name: &'a str,
    attributes: Vec<&'a str>,
    text: String,
}

fn tests_of(code: &str) -> Vec<Test> {
    let functions = functions(code);
    let constants: Vec<(&str, &str)> = code
        .lines()
        .filter_map(|line| line.strip_prefix("const ")?.strip_suffix(';')?.split_once(": &str = "))
        .collect();
    let is_test = |function: &&Function<'_>| function.attributes.contains(&"#[test]");
    let test = |function: &Function<'_>| {
        let ignored = function.attributes.iter().find(|attribute| attribute.starts_with("#[ignore"));
        let mut reach = reach(function, &functions);
        for (name, value) in &constants {
            reach = replaced(&reach, name, value);
        }
        Test { name: function.name.to_owned(), ignored: ignored.map(|attribute| (*attribute).to_owned()), reach }
    };
    functions.iter().filter(is_test).map(test).collect()
}

/// The functions of a file. What they do with another module only (`is_peer`) is left out.
fn functions(code: &str) -> Vec<Function<'_>> {
    let mut found = Vec::new();
    let mut attributes = Vec::new();
    let mut lines = code.lines();
    while let Some(line) = lines.next() {
        let signature = line.strip_prefix("pub(crate) ").unwrap_or(line).strip_prefix("fn ");
        if let Some(signature) = signature {
            let name = signature.split(['(', '<']).next().unwrap_or_default();
            let mut text = format!("{line}\n");
            let body = lines.by_ref().take_while(|line| *line != "}");
            let mut peer = None;
            for line in body {
                let indent = &line[..line.len() - line.trim_start().len()];
                match peer {
                    Some(end) if line == format!("{end}}}") => peer = None,
                    Some(_) => {}
                    None if line.trim_start() == "if place.is_peer() {" => peer = Some(indent),
                    None => text += &format!("{line}\n"),
                }
            }
            found.push(Function { name, attributes: std::mem::take(&mut attributes), text });
        } else if line.starts_with("#[") {
            attributes.push(line);
        } else if !line.trim().is_empty() {
            attributes.clear();
        }
    }
    found
}

/// The text of a function and of all that it calls.
fn reach(from: &Function<'_>, functions: &[Function<'_>]) -> String {
    let mut reached = vec![from];
    let mut at = 0;
    while let Some(function) = reached.get(at) {
        let is_called =
            |other: &&Function<'_>| uses(&function.text, other.name).any(|(_, after)| after.starts_with('('));
        let is_new = |other: &&Function<'_>| !reached.iter().any(|known| known.name == other.name);
        let called: Vec<&Function<'_>> = functions.iter().filter(is_called).filter(is_new).collect();
        reached.extend(called);
        at += 1;
    }
    reached.iter().map(|function| function.text.as_str()).collect()
}

/// What is between the parentheses of each call.
fn arguments<'a>(text: &'a str, call: &'a str) -> impl Iterator<Item = &'a str> {
    text.split(call).skip(1).filter_map(|rest| rest.split(')').next())
}

/// Where `name` stands as a word and not as a field or method: what is before and behind it.
fn uses<'a>(text: &'a str, name: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    text.match_indices(name).map(move |(at, _)| (&text[..at], &text[at + name.len()..])).filter(
        move |(before, after)| {
            !before.ends_with(|letter| is_part(letter) || letter == '.') && !after.starts_with(is_part)
        },
    )
}

fn replaced(text: &str, name: &str, value: &str) -> String {
    let mut result = String::new();
    let mut from = 0;
    for (before, _) in uses(text, name) {
        result += &text[from..before.len()];
        result += value;
        from = before.len() + name.len();
    }
    result + &text[from..]
}

/// Rust without its comments.
fn without_comments(source: &str) -> String {
    let mut code = String::new();
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let (kept, length) = match () {
            () if rest.starts_with("//") => (false, rest.find('\n').unwrap_or(rest.len())),
            () if rest.starts_with("/*") => (false, block_comment(rest)),
            () => (true, literal(rest).unwrap_or(first.len_utf8())),
        };
        if kept {
            code += &rest[..length];
        }
        rest = &rest[length..];
    }
    code
}

/// The length of the block comment that `text` begins with; they nest.
fn block_comment(text: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < text.len() {
        match &text.as_bytes()[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

/// The length of the string or character that `text` begins with.
fn literal(text: &str) -> Option<usize> {
    let hashes = text.strip_prefix('r').map(|rest| rest.len() - rest.trim_start_matches('#').len());
    if let Some(hashes) = hashes.filter(|hashes| text[1 + hashes..].starts_with('"')) {
        let start = hashes + 2;
        let end = format!("\"{}", "#".repeat(hashes));
        return Some(start + text[start..].find(&end)? + end.len());
    }
    let mark = text.chars().next().filter(|first| matches!(first, '"' | '\''))?;
    // A lifetime has no second mark, or a letter between.
    if mark == '\'' && !text[1..].starts_with('\\') && text[1..].chars().nth(1) != Some('\'') {
        return None;
    }
    let mut escaped = false;
    let end = text.char_indices().skip(1).find(|(_, letter)| {
        let ends = *letter == mark && !escaped;
        escaped = *letter == '\\' && !escaped;
        ends
    });
    end.map(|(at, _)| at + 1)
}

#[test]
fn only_a_test_that_is_run_counts() {
    let runs = |source: &str| -> Vec<&str> {
        let mut tests = tests_of(&without_comments(source));
        tests.retain(|test| test.ignored.is_none());
        ["One", "Two"].into_iter().filter(|heading| tests.iter().any(|test| test.runs("c", heading))).collect()
    };
    let test = "#[test]\nfn page() {\n    let page = Page::read(\"c\");\n    page.run(&place);\n}\n";
    assert_eq!(runs(test), ["One", "Two"]);
    assert!(runs(&test.replace("\"c\"", "\"d\"")).is_empty(), "another page");
    assert!(runs(&test.replace("page.run(&place);", "")).is_empty(), "it is read alone");
    assert!(runs(&test.replace("#[test]\n", "")).is_empty(), "no test");
    assert!(runs(&test.replace("#[test]\n", "#[test]\n#[ignore = \"no\"]\n")).is_empty(), "ignored");
    assert!(runs(&test.replace("#[test]", "// #[test]")).is_empty(), "no test but a comment");
    assert!(runs(&test.replace("    let", "    // let")).is_empty(), "a comment reads it");
    assert!(runs(&format!("/* /* */ {test} */")).is_empty(), "all of it is a comment");
    assert_eq!(runs(&format!("const A: char = '\"'; // \"\n{test}")).len(), 2, "a mark is no beginning of a string");
    assert_eq!(runs(&test.replace("page.run", "page.without(\"Two\").run")), ["One"]);
    let peer = "    if place.is_peer() {\n        page = page.without(\"Two\");\n    }\n    page.run";
    assert_eq!(runs(&test.replace("    page.run", peer)).len(), 2, "another module is not what the page is about");
    let helped = "const TWO: &str = \"Two\";\n#[test]\nfn two() {\n    follow(&page().commands(&[TWO]));\n}\n\
                  fn page() {\n    Chapters::read(\"c\")\n}\n";
    assert_eq!(runs(helped), ["Two"]);
}
