//! The options of a command: what it declares, what was typed, and the help that says so.

use super::results::Refusal;
use super::words::Word;
use crate::text::quoted;

/// One option of a command.
#[derive(Debug)]
pub(crate) struct Flag {
    /// With its dash: `-t`.
    pub(crate) name: &'static str,
    /// What stands for its value in the help; nothing where it takes none.
    value: Option<&'static str>,
    /// What is missing where it is not given; nothing where it may be left out.
    missing: Option<&'static str>,
    /// What it specifies.
    help: &'static str,
}

impl Flag {
    /// An option that must be given; `thing` completes "Error: ... is missing."
    pub(crate) const fn required(
        name: &'static str,
        value: &'static str,
        thing: &'static str,
        help: &'static str,
    ) -> Flag {
        Flag { name, value: Some(value), missing: Some(thing), help }
    }

    /// An option with a value that may be given.
    pub(crate) const fn optional(name: &'static str, value: &'static str, help: &'static str) -> Flag {
        Flag { name, value: Some(value), missing: None, help }
    }

    /// An option without a value.
    pub(crate) const fn switch(name: &'static str, help: &'static str) -> Flag {
        Flag { name, value: None, missing: None, help }
    }
}

/// The options a command declares, in groups, because commands share some.
pub(crate) type Flags = &'static [&'static [Flag]];

/// The options that were typed.
#[derive(Debug, Default)]
pub(crate) struct Options<'a> {
    given: Vec<(&'static str, &'a str)>,
}

impl<'a> Options<'a> {
    /// Reads the words after a command's name. Their order is free.
    ///
    /// # Errors
    /// The command's help: for an option it does not declare, one that is given twice or lacks its value, and, with a
    /// line that says so on standard output, for one that is missing.
    pub(crate) fn parse(flags: Flags, words: &'a [Word]) -> Result<Options<'a>, Refusal> {
        let mut given: Vec<(&'static str, &'a str)> = Vec::new();
        let mut words = words.iter().map(|word| word.as_str());
        while let Some(word) = words.next() {
            let flag = all(flags).find(|flag| flag.name == word).ok_or_else(|| unknown(word, &given))?;
            if given.iter().any(|(name, _)| *name == flag.name) {
                return Err(Refusal::mistyped(format!("{word} is given twice")));
            }
            let value = match flag.value {
                Some(value) => self::value(flags, flag.name, value, words.next())?,
                None => "",
            };
            given.push((flag.name, value));
        }
        let options = Options { given };
        for flag in all(flags) {
            if let Some(thing) = flag.missing
                && !options.has(flag.name)
            {
                return Err(Refusal::misuse(format!("Error: {thing} ({}) is missing.", flag.name)));
            }
        }
        Ok(options)
    }

    /// Whether the option was given.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.text(name).is_some()
    }

    /// Its value.
    pub(crate) fn text(&self, name: &str) -> Option<&'a str> {
        self.given.iter().find(|(given, _)| *given == name).map(|(_, value)| *value)
    }

    /// The value of a required option.
    pub(crate) fn needed(&self, name: &str) -> Result<&'a str, Refusal> {
        self.text(name).ok_or_else(|| Refusal::mistyped(format!("{name} is missing")))
    }

    /// Its value as a number, decimal or with `0x` before it.
    ///
    /// # Errors
    /// The command's help, for what is no number.
    pub(crate) fn number(&self, name: &str) -> Result<Option<u64>, Refusal> {
        let read = |text| number(text).ok_or_else(|| Refusal::value(name, "a number", quoted(text)));
        self.text(name).map(read).transpose()
    }

    /// The number a required option gives.
    pub(crate) fn needed_number(&self, name: &str) -> Result<u64, Refusal> {
        let text = self.needed(name)?;
        number(text).ok_or_else(|| Refusal::value(name, "a number", quoted(text)))
    }
}

/// A word where an option is expected. What is none is not repeated: it may be a password.
fn unknown(word: &str, given: &[(&'static str, &str)]) -> Refusal {
    Refusal::Mistyped(match (word.starts_with('-'), given.last()) {
        (true, _) => format!("there is no option {}", quoted(word)),
        (false, None) => "there is a word too many: options begin with -".to_owned(),
        (false, Some((name, _))) => {
            format!(
                "there is a word too many after {name}: options begin with -, and double quotes keep spaces in a value"
            )
        }
    })
}

/// The word after an option. An option there is one whose value came out empty, of a script's variable for example.
fn value<'a>(flags: Flags, name: &str, stands_for: &str, word: Option<&'a str>) -> Result<&'a str, Refusal> {
    let word = word.ok_or_else(|| Refusal::mistyped(format!("{name} needs a value: <{stands_for}>")))?;
    match word == "-h" || all(flags).any(|other| other.name == word) {
        true => Err(Refusal::mistyped(format!("{name} has no value: {word} is an option"))),
        false => Ok(word),
    }
}

/// A number as the tools write it: decimal, or hexadecimal after `0x`.
pub(crate) fn number(text: &str) -> Option<u64> {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) if digits.bytes().all(|digit| digit.is_ascii_hexdigit()) => u64::from_str_radix(digits, 16).ok(),
        None if text.bytes().all(|digit| digit.is_ascii_digit()) => text.parse().ok(),
        _ => None,
    }
}

/// A command's help: what it does, how it is typed, what its options specify.
pub(crate) fn help(name: &str, description: &str, flags: Flags) -> Vec<String> {
    let mut lines = vec!["Description".to_owned(), "===========".to_owned(), description.to_owned()];
    lines.extend([String::new(), format!("Syntax: {name} -h")]);
    let typed = |flag: &Flag| {
        let word = flag.value.map_or_else(|| flag.name.to_owned(), |value| format!("{} <{value}>", flag.name));
        if flag.missing.is_some() { word } else { format!("[{word}]") }
    };
    let lead = format!("        {name}");
    let indent = " ".repeat(lead.len());
    match all(flags).next() {
        None => lines.push(lead),
        Some(_) => lines.extend(
            all(flags)
                .enumerate()
                .map(|(at, flag)| format!("{} {}", if at == 0 { &lead } else { &indent }, typed(flag))),
        ),
    }
    let width = all(flags).map(|flag| flag.name.len()).max().unwrap_or_default().max(2);
    lines.extend([String::new(), format!("Where:  {:width$}  displays this help", "-h")]);
    for flag in all(flags) {
        let mut parts = flag.help.lines();
        lines.push(format!("        {:width$}  specifies {}", flag.name, parts.next().unwrap_or_default()));
        lines.extend(parts.map(|part| format!("        {:width$}  {part}", "")));
    }
    lines
}

fn all(flags: Flags) -> impl Iterator<Item = &'static Flag> {
    flags.iter().copied().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloudhsm::words::split;

    static SOME: &[Flag] = &[
        Flag::required("-t", "key-type", "Key type", "the type"),
        Flag::optional("-id", "key-ID", "the identifier\n(text)"),
        Flag::switch("-nex", "a key that stays inside"),
    ];
    static FLAGS: Flags = &[SOME];

    fn refusal(line: &str) -> String {
        let words = split(line).unwrap();
        match Options::parse(FLAGS, &words).and_then(|options| options.needed_number("-t")) {
            Err(Refusal::Misuse(line) | Refusal::Mistyped(line)) => line,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn order_is_free_and_values_are_the_next_word() {
        let words = split("-nex -id -T -t 0x1f").unwrap();
        let options = Options::parse(FLAGS, &words).unwrap();
        assert!(options.has("-nex"));
        assert_eq!(options.text("-id"), Some("-T"));
        assert_eq!(options.number("-t").unwrap(), Some(31));
    }

    #[test]
    fn misuse_is_answered_with_the_help() {
        for (line, reason) in [
            ("-t 1 -t 1", "-t is given twice"),
            ("-t 1 -x", "there is no option \"-x\""),
            ("-h -t 1", "there is no option \"-h\""),
            ("secret", "there is a word too many: options begin with -"),
            ("-t", "-t needs a value: <key-type>"),
            ("-t 1 -id -nex", "-id has no value: -nex is an option"),
            ("-id -id -t 1", "-id has no value: -id is an option"),
            ("-t 1 -id -h", "-id has no value: -h is an option"),
            ("-t one", "-t takes a number, not \"one\""),
            ("-t 1 -nex -nex", "-nex is given twice"),
            ("-nex", "Error: Key type (-t) is missing."),
        ] {
            assert_eq!(refusal(line), reason, "{line}");
        }
        let surplus = refusal("-t 1 secret");
        assert!(surplus.starts_with("there is a word too many after -t:") && !surplus.contains("secret"), "{surplus}");
    }

    #[test]
    fn numbers_are_digits_only() {
        assert_eq!(number("31"), Some(31));
        assert_eq!(number("0xA8"), Some(168));
        for text in ["", "0x", "+1", "-1", "1 ", "x", "0x+1", "18446744073709551616"] {
            assert_eq!(number(text), None, "{text:?}");
        }
    }

    #[test]
    fn the_help_names_every_option() {
        let help = help("genKey", "Makes keys.", FLAGS).join("\n");
        let expected = "\
Description
===========
Makes keys.

Syntax: genKey -h
        genKey -t <key-type>
               [-id <key-ID>]
               [-nex]

Where:  -h    displays this help
        -t    specifies the type
        -id   specifies the identifier
              (text)
        -nex  specifies a key that stays inside";
        assert_eq!(help, expected);
    }
}
