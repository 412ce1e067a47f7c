//! Whole exchanges, with a client's side written from the standards.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::*;
use crate::auth::tests::{identity, outside, settled, site, without_tls};
use crate::auth::{Authenticator, Credentials};
use crate::password;
use crate::tls::TlsInfo;

/// One response after the other; the last step.
async fn play(
    authenticator: &Authenticator,
    context: &Context,
    mechanism: &str,
    responses: &[&[u8]],
) -> Result<Step, AuthError> {
    let mut exchange = authenticator.start(mechanism, context)?;
    let mut last = Err(AuthError::Cancelled);
    for response in responses {
        last = Ok(exchange.step(Some(response)).await?);
    }
    last
}

fn done(account: &str, mechanism: &str) -> Result<Step, AuthError> {
    identity(account, mechanism).map(Step::Done)
}

#[tokio::test(start_paused = true)]
async fn the_table_drives_what_is_offered() {
    let (authenticator, _) = site(|_| {});
    let tls = outside("192.0.2.1");
    assert_eq!(
        authenticator.mechanisms(&tls),
        ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-1", "PLAIN", "LOGIN"]
    );
    let local = Context { local: true, ..without_tls() };
    assert_eq!(authenticator.mechanisms(&local), ["SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "LOGIN"]);

    let (authenticator, _) = site(|options| {
        options.challenge_mechanisms = true;
        options.mechanisms =
            ["login", "CRAM-MD5", "scram-sha-256-plus", "OAUTHBEARER"].map(str::to_owned).to_vec();
    });
    assert_eq!(authenticator.mechanisms(&tls), ["LOGIN", "CRAM-MD5", "SCRAM-SHA-256-PLUS"]);
    assert_eq!(authenticator.mechanisms(&without_tls()), ["CRAM-MD5"]);
    for unknown in ["PLAIN", "OAUTHBEARER", "X", "", "EXTERNAL"] {
        assert_eq!(authenticator.start(unknown, &tls).err(), Some(AuthError::UnknownMechanism), "{unknown}");
    }
    for row in MECHANISMS {
        assert_eq!(MECHANISMS.iter().filter(|other| other.name == row.name).count(), 1, "{}", row.name);
        // RFC 4422 section 3.1
        assert!(
            row.name.len() <= 20
                && row.name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'-')
        );
    }
}

#[tokio::test(start_paused = true)]
async fn plain_with_and_without_initial_response() {
    let (authenticator, accounts) = site(|_| {});
    accounts.set("tim", Some("{PLAIN}tanstaaftanstaaf"), |_| {});
    let here = outside("192.0.2.1");
    for message in
        [&b"\0tim\0tanstaaftanstaaf"[..], b"tim\0tim\0tanstaaftanstaaf", b"TIM\0tim\0tanstaaftanstaaf"]
    {
        assert_eq!(play(&authenticator, &here, "plain", &[message]).await, done("tim", "PLAIN"));
    }
    let mut exchange = authenticator.start("PLAIN", &here).unwrap();
    assert_eq!(exchange.step(None).await, Ok(Step::Challenge(Vec::new())));
    assert_eq!(exchange.step(Some(b"\0tim\0tanstaaftanstaaf")).await, done("tim", "PLAIN"));
    assert!(matches!(exchange.step(Some(b"\0tim\0tanstaaftanstaaf")).await, Err(AuthError::Malformed(_))));
    // Nobody acts as someone else.
    let other = play(&authenticator, &here, "PLAIN", &[b"root\0tim\0tanstaaftanstaaf"]).await;
    assert_eq!(other, Err(AuthError::NotAuthorized));
    let other = play(&authenticator, &here, "PLAIN", &[b"root\0tim\0wrong"]).await;
    assert_eq!(other, Err(AuthError::Failed));
    let long = vec![b'x'; MAX_OCTETS + 1];
    assert!(matches!(play(&authenticator, &here, "PLAIN", &[&long]).await, Err(AuthError::Malformed(_))));
}

#[tokio::test(start_paused = true)]
async fn login_asks_twice() {
    let (authenticator, accounts) = site(|_| {});
    accounts.set("tim", Some("{PLAIN}sesame"), |_| {});
    let here = outside("192.0.2.1");
    let mut exchange = authenticator.start("LOGIN", &here).unwrap();
    assert_eq!(exchange.step(None).await, Ok(Step::Challenge(b"Username:".to_vec())));
    assert_eq!(exchange.step(Some(b"tim")).await, Ok(Step::Challenge(b"Password:".to_vec())));
    assert_eq!(exchange.step(Some(b"sesame")).await, done("tim", "LOGIN"));
    assert_eq!(play(&authenticator, &here, "LOGIN", &[b"tim", b"sesame"]).await, done("tim", "LOGIN"));
    assert_eq!(play(&authenticator, &here, "LOGIN", &[b"tim", b"x"]).await, Err(AuthError::Failed));
    for responses in [&[&b""[..]][..], &[b"tim", b""], &[b"t\0m"], &[b"\xff"]] {
        assert!(matches!(
            play(&authenticator, &here, "LOGIN", responses).await,
            Err(AuthError::Malformed(_))
        ));
    }
}

// RFC 2195 section 2
#[tokio::test(start_paused = true)]
async fn cram_md5() {
    let (authenticator, accounts) = site(|options| options.challenge_mechanisms = true);
    accounts.set("tim", Some("{PLAIN}tanstaaftanstaaf"), |_| {});
    accounts.set(
        "keys",
        Some("{CRAM-MD5}80aec1449634d113e46324e5809848338c28256a7d6da9b7914aa2ece45e4479"),
        |_| {},
    );
    let open = without_tls();
    for (name, password, right) in [
        ("tim", "tanstaaftanstaaf", true),
        ("keys", "pässword 1", true),
        ("tim", "x", false),
        ("nobody", "x", false),
    ] {
        let mut exchange = authenticator.start("CRAM-MD5", &open).unwrap();
        let Ok(Step::Challenge(challenge)) = exchange.step(None).await else { panic!("no challenge") };
        let digest = crate::crypto::hmac::<md5::Md5>(password.as_bytes(), &[&challenge]);
        let response = format!("{name} {}", crate::crypto::hex(&digest));
        let expected = if right { done(name, "CRAM-MD5") } else { Err(AuthError::Failed) };
        assert_eq!(exchange.step(Some(response.as_bytes())).await, expected, "{name}");
    }
    let mut exchange = authenticator.start("CRAM-MD5", &open).unwrap();
    assert!(matches!(exchange.step(Some(b"tim x")).await, Err(AuthError::Malformed(_))), "the server begins");
}

#[tokio::test(start_paused = true)]
async fn external_takes_the_name_in_the_certificate() {
    let (authenticator, accounts) = site(|_| {});
    accounts.set("alice@example.test", None, |_| {});
    let with = |client: Option<&str>| {
        let here = outside("192.0.2.1");
        let tls = here.tls.as_deref().unwrap().clone();
        let tls = Some(Arc::new(TlsInfo { client: client.map(str::to_owned), ..tls }));
        Context { tls, ..here }
    };
    let alice = with(Some("alice@example.test"));
    assert!(authenticator.mechanisms(&alice).contains(&"EXTERNAL"));
    for authzid in ["", "alice@example.test"] {
        let login = play(&authenticator, &alice, "EXTERNAL", &[authzid.as_bytes()]).await;
        assert_eq!(login, done("alice@example.test", "EXTERNAL"));
    }
    assert_eq!(play(&authenticator, &alice, "EXTERNAL", &[b"bob"]).await, Err(AuthError::NotAuthorized));
    let mallory = with(Some("mallory@example.test"));
    assert_eq!(play(&authenticator, &mallory, "EXTERNAL", &[b""]).await, Err(AuthError::Failed));
    assert_eq!(authenticator.start("EXTERNAL", &with(None)).err(), Some(AuthError::UnknownMechanism));
    accounts.set("alice@example.test", None, |account: &mut Credentials| account.imap = false);
    assert!(matches!(play(&authenticator, &alice, "EXTERNAL", &[b""]).await, Err(AuthError::Disabled(_))));
}

/// The client's side of RFC 5802.
struct Client<'a> {
    mechanism: &'a str,
    gs2_header: &'a str,
    name: &'a str,
    password: &'a str,
    /// What the client binds to.
    binding: &'a [u8],
}

impl Client<'_> {
    fn hash(&self) -> ScramHash {
        if self.mechanism.contains("256") { ScramHash::Sha256 } else { ScramHash::Sha1 }
    }

    async fn run(&self, authenticator: &Authenticator, context: &Context) -> Result<Step, AuthError> {
        let hash = self.hash();
        let mut exchange = authenticator.start(self.mechanism, context)?;
        let bare = format!("n={},r=rOprNGfwEbeRWgbNEkqO", self.name);
        let server_first =
            challenge(exchange.step(Some(format!("{}{bare}", self.gs2_header).as_bytes())).await?);
        let attributes: Vec<&str> = server_first.split(',').collect();
        assert_eq!(attributes.len(), 3, "{server_first}");
        assert!(
            attributes[0].starts_with("r=rOprNGfwEbeRWgbNEkqO") && attributes[0].len() > 40,
            "{server_first}"
        );
        let salt = STANDARD.decode(&attributes[1][2..]).unwrap();
        let iterations: u32 = attributes[2][2..].parse().unwrap();
        assert!(iterations >= 4096);

        let bound = STANDARD.encode([self.gs2_header.as_bytes(), self.binding].concat());
        let without_proof = format!("c={bound},{}", attributes[0]);
        let auth_message = format!("{bare},{server_first},{without_proof}");
        let salted = hash.iterate(self.password.as_bytes(), &salt, iterations);
        let client_key = hash.hmac(&salted, b"Client Key");
        let signature = hash.hmac(&hash.digest(&client_key), auth_message.as_bytes());
        let proof: Vec<u8> = client_key.iter().zip(&signature).map(|(key, sign)| key ^ sign).collect();
        let last = format!("{without_proof},p={}", STANDARD.encode(proof));
        let server_final = challenge(exchange.step(Some(last.as_bytes())).await?);

        let server_key = hash.hmac(&salted, b"Server Key");
        let verifier = STANDARD.encode(hash.hmac(&server_key, auth_message.as_bytes()));
        assert_eq!(server_final, format!("v={verifier}"), "the server does not know the password");
        exchange.step(Some(b"")).await
    }
}

fn challenge(step: Step) -> String {
    match step {
        Step::Challenge(octets) => String::from_utf8(octets).unwrap(),
        Step::Done(identity) => panic!("done too early: {identity:?}"),
    }
}

const ALICE: Client<'_> =
    Client { mechanism: "SCRAM-SHA-256", gs2_header: "n,,", name: "alice", password: "sesame", binding: b"" };

#[tokio::test(start_paused = true)]
async fn scram_in_all_its_forms() {
    let (authenticator, accounts) = site(|_| {});
    accounts.set("alice", Some(&password::hash("sesame")), |_| {});
    accounts.set("kept", Some("{PLAIN}sesame"), |_| {});
    accounts.set("a,b=c", Some(&password::hash("sesame")), |_| {});
    let here = outside("192.0.2.1");
    let binding = [7; 32];
    for mechanism in ["SCRAM-SHA-1", "SCRAM-SHA-256"] {
        let plus = format!("{mechanism}-PLUS");
        for client in [
            Client { mechanism, ..ALICE },
            Client { mechanism, gs2_header: "n,a=alice,", ..ALICE },
            Client { mechanism: &plus, gs2_header: "p=tls-exporter,,", binding: &binding, ..ALICE },
            Client { mechanism, name: "kept", ..ALICE },
        ] {
            assert_eq!(client.run(&authenticator, &here).await, done(client.name, client.mechanism));
        }
        let escaped = Client { mechanism, name: "a=2Cb=3Dc", ..ALICE };
        assert_eq!(escaped.run(&authenticator, &here).await, done("a,b=c", mechanism));
    }
    settled(|| accounts.logins.lock().unwrap().len() == 10).await;
}

#[tokio::test(start_paused = true)]
async fn scram_failures_all_look_alike() {
    let (authenticator, accounts) = site(|options| options.failures = 0);
    accounts.set("alice", Some(&password::hash("sesame")), |_| {});
    accounts.set("imported", Some("{SHA}wBFJYYjnh5eS5Eft5JORpd7Gkko="), |_| {});
    let here = outside("192.0.2.1");
    for client in [
        Client { password: "wrong", ..ALICE },
        Client { name: "nobody", ..ALICE },
        Client { name: "imported", password: "pässword 1", ..ALICE },
        // A binding to another session: someone sits in between.
        Client {
            mechanism: "SCRAM-SHA-256-PLUS",
            gs2_header: "p=tls-exporter,,",
            binding: &[8; 32],
            ..ALICE
        },
        // The client could bind, and was told that the server could not.
        Client { gs2_header: "y,,", ..ALICE },
        // What is bound differs from what was said first.
        Client { binding: b"x", ..ALICE },
    ] {
        assert_eq!(client.run(&authenticator, &here).await, Err(AuthError::Failed), "{}", client.gs2_header);
    }
    // Who knows the password learns that the other name is the reason.
    let other = Client { gs2_header: "n,a=bob,", ..ALICE };
    assert_eq!(other.run(&authenticator, &here).await, Err(AuthError::NotAuthorized));
    let other = Client { gs2_header: "n,a=bob,", password: "wrong", ..ALICE };
    assert_eq!(other.run(&authenticator, &here).await, Err(AuthError::Failed));
    // Without TLS there is nothing to bind to, and the client says so rightly.
    let local = Context { local: true, ..without_tls() };
    assert_eq!(
        Client { gs2_header: "y,,", ..ALICE }.run(&authenticator, &local).await,
        done("alice", "SCRAM-SHA-256")
    );
}

#[tokio::test(start_paused = true)]
async fn an_unknown_account_has_the_same_salt_each_time() {
    let (authenticator, _) = site(|_| {});
    let here = outside("192.0.2.1");
    let mut seen = Vec::new();
    for name in ["nobody", "nobody", "someone"] {
        let mut exchange = authenticator.start("SCRAM-SHA-256", &here).unwrap();
        let message = format!("n,,n={name},r=abc");
        let first = challenge(exchange.step(Some(message.as_bytes())).await.unwrap());
        seen.push(first.split_once(',').unwrap().1.to_owned());
    }
    assert_eq!(seen[0], seen[1]);
    assert_ne!(seen[0], seen[2]);
    assert!(seen[0].ends_with(",i=10000"));
}

#[tokio::test(start_paused = true)]
async fn a_switched_off_account_is_told_after_the_proof() {
    let (authenticator, accounts) = site(|_| {});
    accounts.set("alice", Some(&password::hash("sesame")), |account| account.login = false);
    let here = outside("192.0.2.1");
    assert!(matches!(ALICE.run(&authenticator, &here).await, Err(AuthError::Disabled(_))));
    assert_eq!(Client { password: "x", ..ALICE }.run(&authenticator, &here).await, Err(AuthError::Failed));
}

#[tokio::test(start_paused = true)]
async fn scram_responses_that_are_none() {
    let (authenticator, accounts) = site(|_| {});
    accounts.set("alice", Some(&password::hash("sesame")), |_| {});
    let here = outside("192.0.2.1");
    for (mechanism, responses) in [
        ("SCRAM-SHA-256", &[&b""[..]][..]),
        ("SCRAM-SHA-256", &[b"\xff"]),
        ("SCRAM-SHA-256", &[b"p=tls-exporter,,n=alice,r=x"]),
        ("SCRAM-SHA-256-PLUS", &[b"n,,n=alice,r=x"]),
        ("SCRAM-SHA-256-PLUS", &[b"p=tls-unique,,n=alice,r=x"]),
        ("SCRAM-SHA-256", &[b"n,,n=alice,r=x", b""]),
        ("SCRAM-SHA-256", &[b"n,,n=alice,r=x", b"c=biws,r=x"]),
    ] {
        let outcome = play(&authenticator, &here, mechanism, responses).await;
        assert!(matches!(outcome, Err(AuthError::Malformed(_))), "{responses:?}: {outcome:?}");
    }
    // A nonce of another exchange.
    let replayed =
        play(&authenticator, &here, "SCRAM-SHA-256", &[b"n,,n=alice,r=x", b"c=biws,r=x,p=AAAA"]).await;
    assert_eq!(replayed, Err(AuthError::Failed));
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(200))]

    #[test]
    fn no_response_makes_a_panic(
        row in 0..MECHANISMS.len(),
        responses in proptest::collection::vec("([npy=,a]{0,4},){0,2}(n=\\PC{0,4},)?(r=\\PC{0,4})?[\u{0}\u{1}=,cp\\PC]{0,10}", 1..4),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let (authenticator, _) = site(|options| (options.challenge_mechanisms, options.failures) = (true, 0));
            let Ok(mut exchange) = authenticator.start(MECHANISMS[row].name, &outside("192.0.2.1")) else { return };
            for response in responses {
                let step = exchange.step(Some(response.as_bytes())).await;
                assert!(!matches!(step, Ok(Step::Done(_))));
            }
        });
    }
}
