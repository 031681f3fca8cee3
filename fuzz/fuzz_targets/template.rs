//! Templates of any content: what an object was given it has, a search with the same template finds it, a refused
//! change changes nothing, and no change or copy protects less.

#![no_main]

use std::sync::OnceLock;

use cryptoki_sys::*;
use libfuzzer_sys::fuzz_target;
use strongroom_core::attribute::{Entry, Flag, Given, RawAttribute, Template};
use strongroom_core::mechanism::{CATALOGUE, Call, Mechanism, Parameter, Work};
use strongroom_core::object::Object;
use strongroom_core::object::codec::encode_attributes;
use strongroom_core::session::Session;
use strongroom_fuzz::input::Input;
use strongroom_fuzz::invariants::{examine, protects_no_less};
use strongroom_fuzz::world::{PIN, World};

fuzz_target!(|data: &[u8]| {
    static WORLD: OnceLock<World> = OnceLock::new();
    let world = WORLD.get_or_init(|| World::new(1));
    let mut input = Input::new(data);
    let session = world.session(true);
    match input.u8() % 4 {
        0 => {}
        1 => session.login(CKU_SO, Some(PIN), None).expect("a login"),
        _ => session.login(CKU_USER, Some(PIN), None).expect("a login"),
    }
    let made = make(&session, &mut input);
    search(&session, &input.template());
    let number = made.unwrap_or_else(|| u64::from(input.u8() % 12) + 1);
    for _ in 0..input.below(4) {
        change(&session, number, &input.template());
    }
    copy(&session, number, &input.template());
    let _ = session.object_size(number);
    let _ = session.destroy_object(number);
    drop(session);
    world.reset();
});

/// Creates an object, or generates a key, from a template.
fn make(session: &Session, input: &mut Input<'_>) -> Option<u64> {
    let generator = input.u8();
    let raw = input.template();
    let template = parse(&raw)?;
    let number = if generator & 1 == 1 {
        let mechanism = generators()[usize::from(generator / 2) % generators().len()];
        session.generate_key(&Call { mechanism, parameter: Parameter::None }, &template).ok()?
    } else {
        session.create_object(&template).ok()?
    };
    let object = session.object(number).expect("its maker sees it");
    examine(&object);
    let given = visible_entries(&object, &template);
    for entry in &given {
        let single = Template::from_entries(vec![entry.clone()]);
        assert!(object.matches(&single), "{object:?} lost its {}", entry.attribute);
    }
    assert!(found(session, &Template::from_entries(given)).contains(&number), "{object:?} is not found");
    Some(number)
}

fn search(session: &Session, raw: &[RawAttribute<'_>]) {
    let Ok(template) = Template::parse_search(raw) else {
        assert!(Template::parse(raw).is_err(), "a search takes every template");
        return;
    };
    let foreign = template.entries().iter().any(|entry| matches!(entry.value, Given::Foreign));
    for number in found(session, &template) {
        let object = session.object(number).expect("what is found can be seen");
        assert!(object.matches(&template) && !foreign);
    }
}

fn change(session: &Session, number: u64, raw: &[RawAttribute<'_>]) {
    let Some(template) = parse(raw) else { return };
    let Ok(before) = session.object(number) else { return };
    let result = session.set_attributes(number, &template);
    let after = session.object(number).expect("a change loses nothing");
    match result {
        Ok(()) => {
            protects_no_less(&before, &after);
            examine(&after);
            for entry in visible_entries(&after, &template) {
                let attribute = entry.attribute;
                assert!(after.matches(&Template::from_entries(vec![entry])), "{after:?} lost its {attribute}");
            }
        }
        Err(_) => assert!(encoded(&before) == encoded(&after), "a refused change changed {after:?}"),
    }
}

fn copy(session: &Session, number: u64, raw: &[RawAttribute<'_>]) {
    let Some(template) = parse(raw) else { return };
    let Ok(object) = session.object(number) else { return };
    let Ok(copy) = session.copy_object(number, &template) else { return };
    let copy = session.object(copy).expect("its maker sees it");
    protects_no_less(&object, &copy);
    assert!(copy.unique_id != object.unique_id);
    assert!(!copy.has(Flag::Trusted) || template.flag(Flag::Trusted) == Some(true), "trust was copied");
    examine(&copy);
}

fn parse<'a>(raw: &[RawAttribute<'a>]) -> Option<Template<'a>> {
    let template = Template::parse(raw).ok()?;
    assert_eq!(raw.len(), template.entries().len());
    for (at, entry) in template.entries().iter().enumerate() {
        assert!(template.entries()[..at].iter().all(|earlier| earlier.attribute != entry.attribute), "given twice");
        assert!(!matches!(entry.value, Given::Foreign), "nobody's attribute in an object");
    }
    Some(template)
}

/// What a template gives and a reader may see. A check value is computed, and some kinds of key have none; a key type
/// of one length has no `CKA_VALUE_LEN`.
fn visible_entries<'a>(object: &Object, template: &Template<'a>) -> Vec<Entry<'a>> {
    let secret = object.kind.is_secret();
    let sized = object.kind.rule(CKA_VALUE_LEN).is_some();
    let shows = |attribute| match attribute {
        CKA_VALUE => !secret,
        CKA_CHECK_VALUE => false,
        CKA_VALUE_LEN => sized,
        _ => true,
    };
    template.entries().iter().filter(|entry| shows(entry.attribute.0)).cloned().collect()
}

fn found(session: &Session, template: &Template<'_>) -> Vec<u64> {
    session.find_init(template).expect("a search");
    let mut numbers = [0; 200];
    let count = session.find(&mut numbers).expect("numbers");
    session.find_final().expect("an end");
    numbers[..count].to_vec()
}

fn encoded(object: &Object) -> Vec<u8> {
    encode_attributes(object).expect("an object can be written")
}

fn generators() -> &'static [&'static Mechanism] {
    static GENERATORS: OnceLock<Vec<&'static Mechanism>> = OnceLock::new();
    let generates = |mechanism: &&Mechanism| matches!(mechanism.work, Work::GenerateSecret(_));
    GENERATORS.get_or_init(|| CATALOGUE.iter().filter(generates).collect())
}
