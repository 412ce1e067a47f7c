//! Tests of the directory, opened again and again.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use proptest::prelude::*;

use super::rows::Interrupted;
use super::*;

/// Homes that remember, and fail when told.
#[derive(Default)]
struct Mail {
    homes: Mutex<BTreeSet<(u16, u32)>>,
    deleted: Mutex<Vec<u32>>,
    broken: AtomicBool,
}

impl Mail {
    fn homes(&self) -> Vec<(u16, u32)> {
        self.homes.lock().unwrap().iter().copied().collect()
    }

    fn work(&self) -> Result<()> {
        let broken = self.broken.load(Ordering::SeqCst);
        if broken { Err(Error::DiskFull("planned".into())) } else { Ok(()) }
    }
}

impl Homes for Mail {
    fn last_account(&self) -> Result<Option<AccountId>> {
        Ok(self.homes.lock().unwrap().iter().map(|(_, account)| AccountId(*account)).max())
    }
    fn create(&self, shard: u16, accounts: &[AccountId]) -> Result<()> {
        self.work()?;
        self.homes.lock().unwrap().extend(accounts.iter().map(|account| (shard, account.0)));
        Ok(())
    }
    fn delete(&self, shard: u16, account: AccountId) -> Result<()> {
        self.work()?;
        self.homes.lock().unwrap().remove(&(shard, account.0));
        self.deleted.lock().unwrap().push(account.0);
        Ok(())
    }
}

const DEFAULTS: Limits = Limits { bytes: 1000, messages: 0, mailboxes: 0 };

fn unattached(path: &Path, shards: u16) -> Result<Directory> {
    let path = path.join("directory.redb");
    Directory::open(DirectoryOptions { path, shards, limits: DEFAULTS, faults: None })
}

fn open(path: &Path) -> (Directory, Arc<Mail>) {
    let mail = Arc::new(Mail::default());
    let directory = unattached(path, 3).unwrap();
    directory.attach(mail.clone()).unwrap();
    (directory, mail)
}

fn name(name: &str) -> AccountName {
    AccountName::new(name).unwrap()
}

fn add(directory: &Directory, names: &[&str]) -> Vec<Result<AccountRecord>> {
    let accounts = names.iter().map(|&it| (name(it), Some(format!("{{PLAIN}}{it}"))));
    directory.add(accounts.collect()).unwrap()
}

fn names(directory: &Directory) -> Vec<String> {
    directory.list(None, usize::MAX).unwrap().into_iter().map(|record| record.name.to_string()).collect()
}

#[test]
fn accounts_are_found_again_after_opening_again() {
    let path = tempfile::tempdir().unwrap();
    let (directory, mail) = open(path.path());
    let made = add(&directory, &["bob@example.test", "alice@example.test"]);
    let bob = made[0].as_ref().unwrap();
    assert_eq!(bob.password.as_deref(), Some("{PLAIN}bob@example.test"));
    assert_eq!((bob.switches, bob.limits), (Switches::default(), Limits::default()));
    assert!(bob.created > 1_600_000_000);
    assert!(mail.homes().contains(&(bob.shard, bob.id)));
    directory.close().unwrap();
    let (directory, _) = open(path.path());
    assert_eq!(directory.find(&name("BOB@example.test")).unwrap().as_ref(), Some(bob));
    assert_eq!(directory.find(&name("carol@example.test")).unwrap(), None);
    assert_eq!(names(&directory), ["alice@example.test", "bob@example.test"]);
    assert_eq!(directory.count(), 2);
}

#[test]
fn a_name_that_exists_is_told_and_the_others_are_made() {
    let path = tempfile::tempdir().unwrap();
    let (directory, mail) = open(path.path());
    add(&directory, &["a"]);
    let made = add(&directory, &["b", "a", "c", "b"]);
    assert!(made[0].is_ok() && made[2].is_ok());
    for at in [1, 3] {
        assert!(matches!(&made[at], Err(Error::AccountExists(_))));
    }
    assert_eq!(names(&directory), ["a", "b", "c"]);
    assert_eq!(mail.homes().len(), 3);
    assert!(add(&directory, &["a"])[0].is_err());
}

#[test]
fn shards_are_filled_evenly() {
    let path = tempfile::tempdir().unwrap();
    let (directory, _) = open(path.path());
    let shards = |made: Vec<Result<AccountRecord>>| {
        let mut shards: Vec<u16> = made.into_iter().map(|record| record.unwrap().shard).collect();
        shards.sort_unstable();
        shards
    };
    assert_eq!(shards(add(&directory, &["a", "b", "c", "d"])), [0, 0, 1, 2]);
    directory.close().unwrap();
    let (directory, _) = open(path.path());
    assert_eq!(shards(add(&directory, &["e", "f"])), [1, 2]);
}

#[test]
fn pages_of_the_list() {
    let path = tempfile::tempdir().unwrap();
    let (directory, _) = open(path.path());
    add(&directory, &["d", "b", "a", "c", "a.b"]);
    let page = |after: Option<&str>, limit| {
        let records = directory.list(after.map(name).as_ref(), limit).unwrap();
        records.into_iter().map(|record| record.name.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(page(None, 2), ["a", "a.b"]);
    assert_eq!(page(Some("a.b"), 2), ["b", "c"]);
    assert_eq!(page(Some("c"), 10), ["d"]);
    assert_eq!(page(Some("bb"), 1), ["c"]);
    assert!(page(Some("d"), 10).is_empty());
    assert!(page(None, 0).is_empty());
}

#[test]
fn an_update_changes_all_but_who_it_is() {
    let path = tempfile::tempdir().unwrap();
    let (directory, _) = open(path.path());
    let before = add(&directory, &["a"]).remove(0).unwrap();
    directory.find(&name("a")).unwrap();
    let updated = directory
        .update(&name("a"), &mut |record| {
            record.id = 99;
            record.shard = 99;
            record.name = name("z");
            record.switches.login = false;
            record.password = None;
        })
        .unwrap();
    let switches = Switches { login: false, ..Switches::default() };
    assert_eq!(updated, AccountRecord { switches, password: None, ..before });
    assert_eq!(directory.find(&name("a")).unwrap(), Some(updated.clone()));
    assert!(matches!(directory.update(&name("z"), &mut |_| ()), Err(Error::NoSuchAccount(_))));
    directory.close().unwrap();
    assert_eq!(open(path.path()).0.find(&name("a")).unwrap(), Some(updated));
}

#[test]
fn limits_are_current_at_once_and_after_opening() {
    let path = tempfile::tempdir().unwrap();
    let (directory, _) = open(path.path());
    let id = AccountId(add(&directory, &["a"])[0].as_ref().unwrap().id);
    assert_eq!(directory.limits().of(id), DEFAULTS);
    let set = |limits: Limits| directory.update(&name("a"), &mut |record| record.limits = limits).unwrap();
    set(Limits { bytes: 0, messages: 7, mailboxes: 0 });
    assert_eq!(directory.limits().of(id), Limits { bytes: 1000, messages: 7, mailboxes: 0 });
    set(Limits { bytes: 5, messages: 7, mailboxes: 0 });
    assert_eq!(directory.limits().of(id), Limits { bytes: 5, messages: 7, mailboxes: 0 });
    directory.close().unwrap();
    let (directory, _) = open(path.path());
    assert_eq!(directory.limits().of(id), Limits { bytes: 5, messages: 7, mailboxes: 0 });
    directory.delete(&name("a")).unwrap();
    assert_eq!(directory.limits().of(id), DEFAULTS);
}

#[test]
fn a_renamed_account_keeps_its_id() {
    let path = tempfile::tempdir().unwrap();
    let (directory, mail) = open(path.path());
    let made = add(&directory, &["a", "b"]);
    let (a, homes) = (made[0].as_ref().unwrap(), mail.homes());
    directory.find(&name("a")).unwrap();
    let renamed = directory.rename(&name("a"), &name("c")).unwrap();
    assert_eq!(renamed, AccountRecord { name: name("c"), ..a.clone() });
    assert_eq!(directory.find(&name("a")).unwrap(), None);
    assert_eq!(directory.find(&name("c")).unwrap(), Some(renamed));
    assert_eq!(mail.homes(), homes);
    assert!(matches!(directory.rename(&name("c"), &name("b")), Err(Error::AccountExists(_))));
    assert!(matches!(directory.rename(&name("a"), &name("d")), Err(Error::NoSuchAccount(_))));
    directory.rename(&name("c"), &name("c")).unwrap();
    assert_eq!(names(&directory), ["b", "c"]);
}

#[test]
fn a_domain_is_ours_while_an_account_has_it() {
    let path = tempfile::tempdir().unwrap();
    let (directory, _) = open(path.path());
    assert!(!directory.has_domain("example.org").unwrap());
    add(&directory, &["alice@example.org", "bob@example.org", "bare"]);
    for (domain, ours) in [
        ("example.org", true),
        ("EXAMPLE.Org", true),
        ("example.com", false),
        ("org", false),
        ("", false),
        ("a\0b", false),
    ] {
        assert_eq!(directory.has_domain(domain).unwrap(), ours, "{domain:?}");
    }
    directory.delete(&name("alice@example.org")).unwrap();
    assert!(directory.has_domain("example.org").unwrap());
    directory.rename(&name("bob@example.org"), &name("bob@example.com")).unwrap();
    assert!(!directory.has_domain("example.org").unwrap());
    assert!(directory.has_domain("example.com").unwrap());
}

#[test]
fn a_deleted_id_is_never_used_again() {
    let path = tempfile::tempdir().unwrap();
    let (directory, mail) = open(path.path());
    let first = add(&directory, &["a"]).remove(0).unwrap();
    directory.delete(&name("a")).unwrap();
    assert_eq!((mail.homes(), mail.deleted.lock().unwrap().clone()), (vec![], vec![first.id]));
    assert_eq!(directory.find(&name("a")).unwrap(), None);
    assert!(matches!(directory.delete(&name("a")), Err(Error::NoSuchAccount(_))));
    assert_eq!(directory.count(), 0);
    directory.close().unwrap();
    let (directory, _) = open(path.path());
    let second = add(&directory, &["a"]).remove(0).unwrap();
    assert!(second.id > first.id);
}

#[test]
fn mail_that_could_not_be_deleted_goes_when_the_store_is_opened() {
    let path = tempfile::tempdir().unwrap();
    let (directory, mail) = open(path.path());
    let id = add(&directory, &["a"])[0].as_ref().unwrap().id;
    mail.broken.store(true, Ordering::SeqCst);
    directory.delete(&name("a")).unwrap();
    assert_eq!(directory.find(&name("a")).unwrap(), None);
    assert_eq!(mail.homes().len(), 1);
    directory.close().unwrap();
    let (_directory, mail) = open(path.path());
    assert_eq!(*mail.deleted.lock().unwrap(), [id]);
    let (_, mail) = (drop(_directory), open(path.path()).1);
    assert!(mail.deleted.lock().unwrap().is_empty());
}

#[test]
fn an_account_whose_mail_has_no_home_does_not_exist() {
    let path = tempfile::tempdir().unwrap();
    let (directory, mail) = open(path.path());
    mail.broken.store(true, Ordering::SeqCst);
    let failed = directory.add(vec![(name("a"), None)]);
    assert!(matches!(failed, Err(Error::DiskFull(_))));
    assert_eq!(directory.find(&name("a")).unwrap(), None);
    mail.broken.store(false, Ordering::SeqCst);
    // The next change finishes it.
    let made = add(&directory, &["a"]).remove(0).unwrap();
    assert_eq!(*mail.deleted.lock().unwrap(), [1]);
    assert_eq!(made.id, 2);
}

#[test]
fn a_crash_while_accounts_are_made_leaves_nothing() {
    let path = tempfile::tempdir().unwrap();
    let (directory, _) = open(path.path());
    // As after a kill between the first and the last transaction.
    let ids = directory.0.transaction(&mut |writer| {
        let ids = rows::take_ids(writer, 2)?;
        for id in ids.clone() {
            Interrupted::Creation.put(writer, AccountId(id), 1)?;
        }
        Ok(ids)
    });
    assert_eq!(ids.unwrap(), 1..3);
    directory.close().unwrap();
    let (directory, mail) = open(path.path());
    assert_eq!(*mail.deleted.lock().unwrap(), [1, 2]);
    assert_eq!(add(&directory, &["a"])[0].as_ref().unwrap().id, 3);
}

#[test]
fn logins_are_seen_at_once_and_written_later() {
    let path = tempfile::tempdir().unwrap();
    let (directory, _) = open(path.path());
    add(&directory, &["a", "b"]);
    directory.record_login(&name("a"), false);
    directory.record_login(&name("nobody"), false);
    let seen = directory.find(&name("a")).unwrap().unwrap().last_login;
    assert!(seen.imap.unwrap() > 1_600_000_000 && seen.pop3.is_none());
    assert_eq!(directory.list(None, 1).unwrap()[0].last_login, seen);
    // With the next change of anything.
    directory.update(&name("b"), &mut |_| ()).unwrap();
    assert!(directory.0.logins.noted().is_empty());
    directory.record_login(&name("a"), true);
    directory.close().unwrap();
    let (directory, _) = open(path.path());
    let seen = directory.find(&name("a")).unwrap().unwrap().last_login;
    assert!(seen.imap.is_some() && seen.pop3.is_some());
    // Noted, then deleted: the account does not come back.
    directory.record_login(&name("a"), true);
    directory.delete(&name("a")).unwrap();
    directory.0.write_logins().unwrap();
    assert_eq!(names(&directory), ["b"]);
}

#[test]
fn a_login_survives_an_update_that_has_not_seen_it() {
    let path = tempfile::tempdir().unwrap();
    let (directory, _) = open(path.path());
    add(&directory, &["a"]);
    directory.record_login(&name("a"), false);
    let updated = directory.update(&name("a"), &mut |record| record.password = None).unwrap();
    assert!(updated.last_login.imap.is_some());
    assert_eq!(directory.find(&name("a")).unwrap().unwrap(), updated);
}

#[test]
fn a_newer_format_is_refused() {
    let path = tempfile::tempdir().unwrap();
    let (directory, _) = open(path.path());
    directory.0.transaction(&mut |writer| writer.put(Table::Meta, &[0], &2u32.to_be_bytes())).unwrap();
    directory.close().unwrap();
    assert!(matches!(unattached(path.path(), 1), Err(Error::NewerFormat(_))));
}

#[test]
fn a_damaged_record_is_told_and_the_others_live() {
    let path = tempfile::tempdir().unwrap();
    let (directory, _) = open(path.path());
    add(&directory, &["a", "b"]);
    directory.0.transaction(&mut |writer| writer.put(Table::Account, &1u32.to_be_bytes(), b"{")).unwrap();
    directory.close().unwrap();
    let (directory, _) = open(path.path());
    assert!(matches!(directory.find(&name("a")), Err(Error::Damaged(text)) if text.contains("account 1")));
    assert!(directory.find(&name("b")).unwrap().is_some());
    assert_eq!(names(&directory), ["b"]);
    let findings = directory.check(true).unwrap();
    assert!(findings.iter().any(|finding| finding.problem.contains("account 1") && !finding.repaired));
}

#[test]
fn a_check_finds_what_does_not_agree_and_repairs_names() {
    let path = tempfile::tempdir().unwrap();
    let (directory, _) = open(path.path());
    add(&directory, &["a", "b", "c"]);
    assert_eq!(directory.check(true).unwrap(), []);
    let broken = directory.0.transaction(&mut |writer| {
        rows::delete_name(writer, &name("a"))?;
        rows::put_name(writer, &name("stray"), AccountId(2))?;
        rows::put_name(writer, &name("lost"), AccountId(77))?;
        rows::put_name(writer, &name("c"), AccountId(2))?;
        rows::put_next_id(writer, 3)
    });
    broken.unwrap();
    let places = |findings: Vec<crate::check::Finding>| {
        let mut places: Vec<(String, bool)> = findings
            .into_iter()
            .map(|finding| (finding.place.replace("account ", ""), finding.repaired))
            .collect();
        places.sort();
        places
    };
    let all = ["a", "c", "lost", "stray", "the next id"];
    assert_eq!(places(directory.check(false).unwrap()), all.map(|place| (place.to_owned(), false)));
    let repaired = places(directory.check(true).unwrap());
    assert_eq!(repaired, all.map(|place| (place.to_owned(), place != "lost")));
    assert_eq!(places(directory.check(true).unwrap()), [("lost".to_owned(), false)]);
    for (account, id) in [("a", 1), ("b", 2), ("c", 3)] {
        assert_eq!(directory.find(&name(account)).unwrap().unwrap().id, id);
    }
    assert_eq!(directory.find(&name("stray")).unwrap(), None);
    assert_eq!(add(&directory, &["d"])[0].as_ref().unwrap().id, 4);
}

#[test]
fn records_of_older_versions_are_read() {
    let json = r#"{"id":1,"name":"a","shard":0,"password":null,"created":5,"unknown":[1]}"#;
    let record: AccountRecord = serde_json::from_str(json).unwrap();
    assert_eq!((record.switches, record.limits), (Switches::default(), Limits::default()));
}

#[test]
fn a_record_in_a_log_shows_no_password() {
    let path = tempfile::tempdir().unwrap();
    let (directory, _) = open(path.path());
    add(&directory, &["a"]);
    let record = directory
        .update(&name("a"), &mut |record| {
            record.app_passwords = vec![AppPassword {
                label: "phone".into(),
                password: "secret".into(),
                protocols: Vec::new(),
                expires: None,
                created: 0,
                last_used: None,
            }];
        })
        .unwrap();
    let shown = format!("{record:?}");
    assert!(shown.contains("phone") && !shown.contains("secret") && !shown.contains("PLAIN"), "{shown}");
}

#[test]
fn a_commit_that_fails_leaves_what_was() {
    let path = tempfile::tempdir().unwrap();
    let faults = DiskFaults::default();
    let file = path.path().join("directory.redb");
    let options = DirectoryOptions { path: file, shards: 1, limits: DEFAULTS, faults: Some(faults.clone()) };
    let directory = Directory::open(options).unwrap();
    directory.attach(Arc::new(Mail::default())).unwrap();
    let before = add(&directory, &["a"]).remove(0).unwrap();
    faults.break_syncs_after(0);
    assert!(directory.update(&name("a"), &mut |record| record.password = None).is_err());
    faults.clear();
    // Before or after, but nothing between; and it works again.
    let found = directory.find(&name("a")).unwrap().unwrap();
    assert!(found == before || found == AccountRecord { password: None, ..before });
    directory.update(&name("a"), &mut |record| record.created = 1).unwrap();
    assert_eq!(directory.find(&name("a")).unwrap().unwrap().created, 1);
}

#[test]
fn thousands_in_one_go() {
    let path = tempfile::tempdir().unwrap();
    let (directory, mail) = open(path.path());
    let accounts = |range: std::ops::Range<u32>| {
        range.map(|number| (name(&format!("user{number}@example.test")), None)).collect::<Vec<_>>()
    };
    let made = directory.add(accounts(0..5000)).unwrap();
    assert!(made.iter().all(Result::is_ok));
    assert_eq!((directory.count(), mail.homes().len()), (5000, 5000));
    // More than the cache holds; each is found, and found again.
    for _ in 0..2 {
        for number in 0..5000 {
            let record = directory.find(&name(&format!("user{number}@example.test"))).unwrap().unwrap();
            assert_eq!(record.id, made[number as usize].as_ref().unwrap().id);
        }
    }
}

#[test]
fn readers_never_see_what_is_older_than_a_finished_change() {
    let path = tempfile::tempdir().unwrap();
    let (directory, _) = open(path.path());
    add(&directory, &["a"]);
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !stop.load(Ordering::SeqCst) {
                    directory.find(&name("a")).unwrap();
                }
            });
        }
        for created in 0..30 {
            directory.update(&name("a"), &mut |record| record.created = created).unwrap();
            assert_eq!(directory.find(&name("a")).unwrap().unwrap().created, created);
        }
        stop.store(true, Ordering::SeqCst);
    });
}

#[derive(Debug, Clone)]
enum Step {
    Add(Vec<u8>),
    Rename(u8, u8),
    Delete(u8),
    Update(u8, u64),
    Open,
}

fn step() -> impl Strategy<Value = Step> {
    let account = || 0u8..8;
    prop_oneof![
        3 => proptest::collection::vec(account(), 1..5).prop_map(Step::Add),
        2 => (account(), account()).prop_map(|(from, to)| Step::Rename(from, to)),
        2 => account().prop_map(Step::Delete),
        2 => (account(), any::<u64>()).prop_map(|(account, bytes)| Step::Update(account, bytes)),
        1 => Just(Step::Open),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_directory_does_what_a_map_does(steps in proptest::collection::vec(step(), 1..25)) {
        let path = tempfile::tempdir().unwrap();
        let mail = Arc::new(Mail::default());
        let opened = || {
            let directory = unattached(path.path(), 3).unwrap();
            directory.attach(mail.clone()).unwrap();
            directory
        };
        let mut directory = opened();
        let mut model: BTreeMap<u8, (u32, u64)> = BTreeMap::new();
        let mut used = BTreeSet::new();
        let named = |account: u8| name(&format!("user{account}"));
        for step in steps {
            match step {
                Step::Add(accounts) => {
                    let added = accounts.iter().map(|&account| (named(account), None)).collect();
                    for (account, made) in accounts.iter().zip(directory.add(added).unwrap()) {
                        prop_assert_eq!(made.is_err(), model.contains_key(account));
                        if let Ok(made) = made {
                            prop_assert!(used.insert(made.id), "id {} is used again", made.id);
                            model.insert(*account, (made.id, 0));
                        }
                    }
                }
                Step::Rename(from, to) => {
                    let renamed = directory.rename(&named(from), &named(to));
                    let good = model.contains_key(&from) && (from == to || !model.contains_key(&to));
                    prop_assert_eq!(renamed.is_ok(), good);
                    if good && let Some(account) = model.remove(&from) {
                        model.insert(to, account);
                    }
                }
                Step::Delete(account) => {
                    prop_assert_eq!(directory.delete(&named(account)).is_ok(), model.remove(&account).is_some());
                }
                Step::Update(account, bytes) => {
                    let updated = directory.update(&named(account), &mut |record| record.limits.bytes = bytes);
                    prop_assert_eq!(updated.is_ok(), model.contains_key(&account));
                    model.entry(account).and_modify(|(_, limit)| *limit = bytes);
                }
                Step::Open => {
                    directory.close().unwrap();
                    directory = opened();
                }
            }
            let listed: Vec<(AccountName, u32, u64)> = directory
                .list(None, usize::MAX)
                .unwrap()
                .into_iter()
                .map(|record| (record.name, record.id, record.limits.bytes))
                .collect();
            let expected: Vec<_> = model.iter().map(|(&account, &(id, bytes))| (named(account), id, bytes)).collect();
            prop_assert_eq!(listed, expected);
            prop_assert_eq!(directory.count(), model.len() as u64);
            for (&account, &(id, bytes)) in &model {
                prop_assert_eq!(directory.find(&named(account)).unwrap().unwrap().id, id);
                let bytes = if bytes == 0 { DEFAULTS.bytes } else { bytes };
                prop_assert_eq!(directory.limits().of(AccountId(id)).bytes, bytes);
            }
            let homes: BTreeSet<u32> = mail.homes().into_iter().map(|(_, id)| id).collect();
            prop_assert_eq!(homes, model.values().map(|&(id, _)| id).collect());
            prop_assert_eq!(directory.check(false).unwrap(), []);
        }
    }
}

#[test]
fn addresses_find_account_and_mailbox() {
    let path = tempfile::tempdir().unwrap();
    let (directory, _) = open(path.path());
    add(&directory, &["mr-fred@d", "fred@d", "public", "fred+x@d", "b@d", "b"]);
    let resolve = |local: &str, domain: &str| {
        let found = directory.resolve(local, domain, &['+', '-']).unwrap().into_iter().next()?;
        Some((found.0.name.to_string(), found.1.map(|mailbox| mailbox.to_string())))
    };
    let to = |account: &str, mailbox: Option<&str>| Some((account.to_owned(), mailbox.map(str::to_owned)));
    assert_eq!(resolve("fred", "d"), to("fred@d", None));
    assert_eq!(resolve("FRED", "D"), to("fred@d", None));
    assert_eq!(resolve("fred", "other"), None);
    // The last separator splits.
    assert_eq!(resolve("mr-fred", "d"), to("mr-fred@d", None));
    assert_eq!(resolve("mr-fred-accounts", "d"), to("mr-fred@d", Some("accounts")));
    assert_eq!(resolve("mr-jones-accounts", "d"), None);
    assert_eq!(resolve("fred+to-do", "d"), to("fred@d", Some("to-do")));
    // An account of exactly this name comes first; with its domain before without.
    assert_eq!(resolve("fred+x", "d"), to("fred+x@d", None));
    assert_eq!(resolve("fred+x+y", "d"), to("fred+x@d", Some("y")));
    assert_eq!(resolve("b", "d"), to("b@d", None));
    assert_eq!(resolve("b", "e"), to("b", None));
    assert_eq!(resolve("public-News", "any.where"), to("public", Some("News")));
    assert_eq!(resolve("public", ""), to("public", None));
    // INBOX in any case; and names that no mailbox may have.
    assert_eq!(resolve("fred+inbox", "d"), to("fred@d", Some("INBOX")));
    assert_eq!(resolve("fred+a/b", "d"), to("fred@d", Some("a/b")));
    assert_eq!(resolve("fred+*", "d"), to("fred@d", None));
    assert_eq!(resolve("fred+", "d"), to("fred@d", None));
    assert_eq!(resolve("+fred", "d"), None);
    assert_eq!(resolve("fred d", "d"), None);
    assert_eq!(resolve("", ""), None);
    assert!(directory.resolve("fred+x2", "d", &[]).unwrap().is_empty());
}

fn alias(name: &str) -> AliasName {
    AliasName::new(name).unwrap()
}

fn accounts(names: &[&str]) -> Vec<AccountName> {
    names.iter().map(|name| AccountName::new(name).unwrap()).collect()
}

#[test]
fn aliases_lead_to_accounts() {
    let path = tempfile::tempdir().unwrap();
    let (directory, _) = open(path.path());
    add(&directory, &["alice@d", "bob@d", "public"]);
    directory.add_alias(&alias("Sales@D"), &accounts(&["bob@d", "alice@d", "bob@d"])).unwrap();
    directory.add_alias(&alias("postmaster"), &accounts(&["alice@d"])).unwrap();
    directory.add_alias(&alias("@E"), &accounts(&["bob@d"])).unwrap();
    let resolve = |local: &str, domain: &str| {
        let found = directory.resolve(local, domain, &['+', '-']).unwrap();
        let shown = |(record, mailbox): (AccountRecord, Option<MailboxName>)| match mailbox {
            Some(mailbox) => format!("{} {mailbox}", record.name),
            None => record.name.to_string(),
        };
        found.into_iter().map(shown).collect::<Vec<_>>().join(", ")
    };
    assert_eq!(resolve("SALES", "d"), "alice@d, bob@d");
    assert_eq!(resolve("sales+2026", "d"), "alice@d 2026, bob@d 2026");
    assert_eq!(resolve("sales", "x"), "");
    assert_eq!(resolve("postmaster", ""), "alice@d");
    assert_eq!(resolve("postmaster", "e"), "alice@d");
    // Whatever is nobody's, but not nothing, and not of another domain.
    assert_eq!(resolve("anyone+x", "e"), "bob@d");
    assert_eq!(resolve("a b", "E"), "bob@d");
    assert_eq!(resolve("public", "e"), "public");
    assert_eq!(resolve("", "e"), "");
    assert_eq!(resolve("anyone", "d"), "");
    assert_eq!((directory.has_domain("E").unwrap(), directory.has_domain("f").unwrap()), (true, false));
    // By ids, and gone with the last account.
    let name = |name: &str| AccountName::new(name).unwrap();
    directory.rename(&name("alice@d"), &name("eve@d")).unwrap();
    assert_eq!(resolve("sales", "d"), "eve@d, bob@d");
    directory.delete(&name("bob@d")).unwrap();
    assert_eq!((resolve("sales", "d"), resolve("anyone", "e")), ("eve@d".to_owned(), String::new()));
    assert!(!directory.has_domain("e").unwrap());
    assert_eq!(directory.check(false).unwrap().len(), 0);
    drop(directory);
    let (directory, _) = open(path.path());
    let names: Vec<String> =
        directory.aliases().unwrap().iter().map(|alias| alias.name.to_string()).collect();
    assert_eq!(names, ["postmaster", "sales@d"]);
}

#[test]
fn an_alias_is_no_account_and_leads_to_no_alias() {
    let path = tempfile::tempdir().unwrap();
    let (directory, _) = open(path.path());
    add(&directory, &["alice@d", "public"]);
    let make = |name: &str, to: &[&str]| directory.add_alias(&alias(name), &accounts(to));
    make("sales@d", &["alice@d"]).unwrap();
    assert!(matches!(make("alice@d", &["public"]), Err(Error::AccountExists(_))));
    assert!(matches!(make("public@d", &["alice@d"]), Err(Error::InvalidName(_))));
    assert!(matches!(make("x@d", &["sales@d"]), Err(Error::InvalidName(_))));
    assert!(matches!(make("sales@d", &["sales@d"]), Err(Error::InvalidName(_))));
    assert!(matches!(make("x@d", &["public", "nobody@d"]), Err(Error::NoSuchAccount(_))));
    assert!(matches!(make("x@d", &[]), Err(Error::InvalidName(_))));
    assert!(directory.alias(&alias("x@d")).unwrap().is_none());
    let added = directory.add(vec![(AccountName::new("sales@d").unwrap(), None)]).unwrap();
    assert!(matches!(added[0], Err(Error::InvalidName(_))));
    let name = |name: &str| AccountName::new(name).unwrap();
    assert!(matches!(directory.rename(&name("alice@d"), &name("sales@d")), Err(Error::InvalidName(_))));
    // Accounts one by one, then the alias.
    make("sales@d", &["public"]).unwrap();
    let left = directory.remove_alias(&alias("sales@d"), &accounts(&["alice@d"])).unwrap().unwrap();
    assert_eq!(left.accounts.len(), 1);
    assert!(directory.remove_alias(&alias("sales@d"), &accounts(&["nobody"])).is_err());
    assert!(directory.remove_alias(&alias("sales@d"), &[]).unwrap().unwrap().accounts.is_empty());
    assert!(directory.remove_alias(&alias("sales@d"), &[]).unwrap().is_none());
    for bad in ["", "@", "@@d", "a@b@c", "a b@d", "@d d", "@a/b"] {
        assert!(AliasName::new(bad).is_err(), "{bad}");
    }
    assert_eq!(alias("@XN.Example").as_str(), "@xn.example");
    assert_eq!(alias("@x").as_str(), "@x");
}

#[test]
fn damaged_aliases_are_found_and_repaired() {
    let path = tempfile::tempdir().unwrap();
    let (directory, _) = open(path.path());
    add(&directory, &["alice@d"]);
    let put = |name: &str, accounts: &[u32]| {
        let accounts = accounts.iter().copied().collect();
        let record = AliasRecord { name: alias(name), accounts, created: 0 };
        let json = serde_json::to_vec(&record).unwrap();
        directory.0.transaction(&mut |writer| writer.put(Table::Alias, name.as_bytes(), &json)).unwrap();
    };
    put("both@d", &[1, 77]);
    put("gone@d", &[77]);
    put("none@d", &[]);
    put("alice@d", &[1]);
    assert_eq!(directory.check(false).unwrap().len(), 4);
    assert!(directory.check(true).unwrap().iter().all(|finding| finding.repaired));
    assert_eq!(directory.check(false).unwrap().len(), 0);
    assert_eq!(directory.aliases().unwrap().len(), 1);
}
