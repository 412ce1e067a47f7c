//! The socketmap protocol: look-ups in named maps. A request is a netstring `map key`; the answer is one of `OK value`,
//! `NOTFOUND `, `TEMP reason` and `PERM reason`.

use common::block;
use store::{Addressing, Destination};

use crate::error::Result;
use crate::session::Session;
use crate::{Service, address, netstring};

/// RFC 5321 section 4.5.3.1.3 has 256 octets for a path; UTF-8, quotes and the map's name need some more.
const REQUEST_LIMIT: usize = 4096;

/// What a map has for a key.
type Found = store::Result<Option<String>>;

/// One map. Keys are UTF-8; what is not is nobody's.
struct Map {
    name: &'static str,
    find: fn(&Service, &str) -> Found,
}

static MAPS: &[Map] = &[Map { name: "domains", find: domains }, Map { name: "recipients", find: recipients }];

pub(crate) async fn run(session: &mut Session) -> Result<()> {
    loop {
        let patience = session.service.options.timeout;
        let reading = netstring::read(&mut session.stream, REQUEST_LIMIT, patience);
        let request = session.entry.unless_ended(reading).await??;
        let answer = answer(session, &request);
        netstring::write(session.stream.out(), &answer);
        session.stream.flush().await?;
    }
}

fn answer(session: &mut Session, request: &[u8]) -> String {
    let space = request.iter().position(|&octet| octet == b' ');
    let (name, key) = request.split_at(space.unwrap_or(request.len()));
    let Some(map) = MAPS.iter().find(|map| map.name.as_bytes() == name) else {
        session.begin("?");
        let known: Vec<&str> = MAPS.iter().map(|map| map.name).collect();
        return format!("PERM there is no such map; there are {}", known.join(", "));
    };
    session.begin(map.name);
    let Ok(key) = std::str::from_utf8(key.get(1..).unwrap_or_default()) else {
        return "NOTFOUND ".to_owned();
    };
    match block(|| (map.find)(&session.service, key)) {
        Ok(Some(value)) => format!("OK {value}"),
        Ok(None) => "NOTFOUND ".to_owned(),
        Err(error) => {
            tracing::error!(map = map.name, key, %error, "a question of the MTA could not be answered");
            "TEMP the accounts cannot be read now".to_owned()
        }
    }
}

/// The account whose address it is, or those of an alias. Those that take no mail are not found, as delivery would refuse it.
fn recipients(service: &Service, key: &str) -> Found {
    let found = destinations(service, key)?;
    let taking = found.into_iter().filter(|found| found.record.switches.delivery);
    let names: Vec<String> = taking.map(|found| found.record.name.to_string()).collect();
    Ok((!names.is_empty()).then(|| names.join(",")))
}

/// The domain itself, if an account or alias has it.
fn domains(service: &Service, key: &str) -> Found {
    let default = service.options.default_domain.as_deref();
    let ours = default.is_some_and(|domain| domain.eq_ignore_ascii_case(key))
        || service.store.directory().has_domain(key)?;
    Ok(ours.then(|| key.to_owned()))
}

/// The accounts and mailboxes of an address as the MTA has it, by the rules of delivery. Blocks.
pub(crate) fn destinations(service: &Service, recipient: &str) -> store::Result<Vec<Destination>> {
    let options = &service.options;
    let addressing = Addressing { separators: &options.separators, missing_mailbox: options.missing_mailbox };
    let (local, domain) = address::split(recipient);
    service.store.destinations(&local, domain, addressing)
}
