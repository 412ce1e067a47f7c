//! Every hash here was made by another program (`doveadm pw`, `openssl passwd`, Perl's crypt, Python's hashlib) or stands
//! in a standard.

use super::*;

/// All of this password.
const PASSWORD: &str = "pässword 1";

/// Made by Dovecot's `doveadm pw -s SCHEME -p "pässword 1"`.
const DOVECOT: &[&str] = &[
    "{PLAIN}pässword 1",
    "{CLEARTEXT}pässword 1",
    "{PLAIN-MD5}ee0a0fa09df7c1e10c13c2792a1c5fba",
    "{LDAP-MD5}7goPoJ33weEME8J5Khxfug==",
    "{SMD5}CsTCOhfRd7bXQuj0KXvY75TouFA=",
    "{MD5-CRYPT}$1$W.miuY9E$0mkHT.nozo/LkYNdotPbQ/",
    "{MD5}$1$W.miuY9E$0mkHT.nozo/LkYNdotPbQ/",
    "{SHA}wBFJYYjnh5eS5Eft5JORpd7Gkko=",
    "{SHA1}wBFJYYjnh5eS5Eft5JORpd7Gkko=",
    "{SSHA}hWc1Yt5N8C5MOrXm7Jh50/hsqf2QiNmD",
    "{SHA256}f7RERuWhObO3oHciFhtpNCnGhD0FNBL7CyE3AkK4vbA=",
    "{SSHA256}EXaJhzaTEa48U3bfFRq2Omm9ab0wJ9AKXVj/soUlNz/PeQ07",
    "{SHA512}CKWQ1bFe+6HuV0fkV78KrhRH5bOjFVbkHBnd8vTWw2lc3YVFx8X2I6wtGQoVpZVuVsftC++RLO5GPIvd7H4Lyg==",
    "{SSHA512}FLHHUMo0+FHDoQdLTzFVrh6jr/HsUqhXmc15cf5Bltyu9IWHJxQDauS5jMh+2SXjVHFcjb7cSzlNGqyiq5v+pPeuknQ=",
    "{SHA256-CRYPT}$5$gIg.Z80/eE9P6.nq$PH.Z0528xO36p6LC7sXtfxLlIUCzya708zOT63Br0d.",
    "{SHA512-CRYPT}$6$8.pgaEAiuZ7aBmUl$ATc761fKQX14/wewVFh5v520iYQsWCSgcih.FdYWwkzYDhHKEprPRFzC8PmjJFcCxa6bQeo2DebQfmVo5ATTC.",
    "{BLF-CRYPT}$2y$05$DFCpkrNtVfsWtCjvj4gtBOQD1tA/RlXwG3yu3F.necCBTTOEcPkbW",
    "{CRYPT}$2y$05$e7N3McGndk.J5QcvT/5us.xzcORjN5Z9pV0BYP9u2u2OdRr6FL6TK",
    "{PBKDF2}$1$3sjE5Ny9hP1PqJhD$5000$1eff163bcd02479507f1df32bf22cae292d01a82",
    "{ARGON2I}$argon2i$v=19$m=32768,t=4,p=1$giOhE+31Ock/oityEfhb3A$pHLMq9awMnGNk1zSfMIj1M9em1aEo8Biy3o7r6eraIk",
    "{CRAM-MD5}80aec1449634d113e46324e5809848338c28256a7d6da9b7914aa2ece45e4479",
    "{SCRAM-SHA-1}4096,lVG1Wn3hJiCLkMpQVVvokQ==,/+lRLEkk9aSEPD7bkD9ybQB0Jdo=,4bFaAfXW+ppQGRjFW30R1j70f8w=",
    "{SCRAM-SHA-256}4096,LJRagKZLz1AAJVHnZ6WJhA==,PKXhYpkR6pUojEpVvnAyKmmHRhZ7MlA1Xn4HqCdhXS8=,qvTkj0D5CbpdEtkDqDLvvISzXg/yqHdcSaRiODdT9nQ=",
    "{DES-CRYPT}oP1rhW9i4zsLo",
    "{SSHA256.HEX}8470b3d24040b3e8dc79fa2cf6b102963752851cbc241d676b34c50ba8fe213b24da6ed2",
    "{SHA.B64}wBFJYYjnh5eS5Eft5JORpd7Gkko=",
    "{sha.hex}c011496188e7879792e447ede49391a5dec6924a",
    "{SHA}c011496188e7879792e447ede49391a5dec6924a",
    "{PLAIN.b64}cMOkc3N3b3JkIDE=",
];

#[test]
fn hashes_of_another_server_are_right_and_outdated() {
    for stored in DOVECOT {
        assert_eq!(acceptable(stored), Ok(()), "{stored}");
        assert_eq!(verify(stored, PASSWORD), Verdict::RightButOutdated, "{stored}");
        assert_eq!(verify(stored, "passwort 1"), Verdict::Wrong, "{stored}");
        assert_eq!(
            verify(stored, "pässword"),
            if stored.contains("DES") { Verdict::RightButOutdated } else { Verdict::Wrong }
        );
        assert_eq!(verify(stored, ""), Verdict::Wrong, "{stored}");
    }
}

#[test]
fn a_stronger_argon2id_than_ours_is_not_replaced() {
    let stored = "{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=1$GoSFyIoA4Dn91xqeMT0oTA$Er6r5RCzVkwYvQRDGHh3i4RhecIOHAb7oE3+3je/Xcg";
    assert_eq!(verify(stored, PASSWORD), Verdict::Right);
    assert_eq!(verify(stored, "wrong"), Verdict::Wrong);
    assert!(!is_outdated(stored, PASSWORD, false) && is_outdated(stored, PASSWORD, true));
    assert_eq!(renewed(stored, PASSWORD, false), stored);
    let with_keys = renewed(stored, PASSWORD, true);
    assert!(with_keys.starts_with(stored) && !is_outdated(&with_keys, PASSWORD, true));
    assert_eq!(verify(&with_keys, PASSWORD), Verdict::Right);
}

/// Of "correct horse", by `openssl passwd`, Perl's crypt (libxcrypt) and Python's hashlib.
const OTHERS: &[&str] = &[
    "$1$abcdefgh$y6iHhJNbuC0xpbk0w9pm80",
    "$5$saltstring$vc6YOOogU4kWVvwga8e9zTFgKcy4tb5LaPxIiPJzqEC",
    "{CRYPT}$6$saltstring$.r0X7ub5wGR2v4Xz7svCIozfnlorFh19V89t8KC9Umd81uGhFgsyTRNyzQDXDIm17fFcR9z3z7oBNdsyYBbtm/",
    "$6$rounds=1400$anotherlongsalts$BIJq9mRCZh1kev4gsEFy0R5hLBKgZM.fwvpxgy31e6bRJqRdXTpSE8TJFJysi3GwDPeX9bz4aZklq669D26ai0",
    "$5$rounds=1000$ab$iRn4.4LbFoJQhemV.MJmHJsllJAlUSS4A6yRAohNLp6",
    "$2b$06$abcdefghijklmnopqrstuud/5IuQmqhVO0kfNEbHJM.fJkPiliBzC",
    "$2a$06$abcdefghijklmnopqrstuud/5IuQmqhVO0kfNEbHJM.fJkPiliBzC",
    // The same with stray bits at the end of the salt, as old programs made them.
    "$2a$06$abcdefghijklmnopqrstuvd/5IuQmqhVO0kfNEbHJM.fJkPiliBzC",
    "aZnfQZ.reMbH2",
    "{PBKDF2}1200$c2l4dGVlbiBvY3RldHMuLg$HM/zhbFcPX5TsQyPwW5kZorX88g",
    "{PBKDF2-SHA256}1200$c2l4dGVlbiBvY3RldHMuLg$FV229g4L9y5FLCvVlX1omlKwWYpq2NJEkJkWcSp8ndA",
    "{PBKDF2-SHA512}1200$c2l4dGVlbiBvY3RldHMuLg$ChQyu6zaq1XA8xG1EqpoFQL8Snz2YM79B.TC2o72lfi5catUFUmeFwKsYjA1k17cpbOtmJuEL0u92DF8sG3Yzw",
    "$pbkdf2-sha256$i=1200,l=32$c2l4dGVlbiBvY3RldHMuLg$FV229g4L9y5FLCvVlX1omlKwWYpq2NJEkJkWcSp8ndA",
    "{CRYPT}$pbkdf2-sha512$1200$c2l4dGVlbiBvY3RldHMuLg$ChQyu6zaq1XA8xG1EqpoFQL8Snz2YM79B+TC2o72lfi5catUFUmeFwKsYjA1k17cpbOtmJuEL0u92DF8sG3Yzw",
    "$pbkdf2$1200$c2l4dGVlbiBvY3RldHMuLg$HM/zhbFcPX5TsQyPwW5kZorX88g",
];

#[test]
fn crypt_and_phc_strings_of_other_programs() {
    for stored in OTHERS {
        assert_eq!(acceptable(stored), Ok(()), "{stored}");
        assert_eq!(verify(stored, "correct horse"), Verdict::RightButOutdated, "{stored}");
        assert_eq!(verify(stored, "Correct horse"), Verdict::Wrong, "{stored}");
    }
}

#[test]
fn what_cannot_be_used_says_why_and_what_to_do() {
    let bad = [
        ("{OTP}x", "not supported"),
        ("{SSHA.zip}x", "encoding"),
        ("hunter2", "{PLAIN}"),
        ("", "{PLAIN}"),
        ("{PLAIN}", "empty"),
        ("$y$j9T$abcdefgh$4mqd6JVlUo/.JMgenptcdPqIowfqDPoC9lSyWQhPMf1", "$y$"),
        ("{SHA}c011", "octets"),
        ("{SSHA}wBFJYYjnh5eS5Eft5JORpd7Gkko=", "salt"),
        ("{SHA256}not base64!", "base64"),
        ("$5$saltstring$short", "damaged"),
        ("$2x$06$abcdefghijklmnopqrstuud/5IuQmqhVO0kfNEbHJM.fJkPiliBzC", "$2x$"),
        ("{CRAM-MD5}80aec144", "32"),
        ("{SCRAM-SHA-256}4096,LJRagKZLz1AAJVHnZ6WJhA==,AAAA,AAAA", "damaged"),
        ("$argon2id$v=19$m=32,t=1$x", "Argon2"),
        // costs
        ("$2b$17$abcdefghijklmnopqrstuud/5IuQmqhVO0kfNEbHJM.fJkPiliBzC", "cost 17"),
        ("$5$rounds=2000001$ab$iRn4.4LbFoJQhemV.MJmHJsllJAlUSS4A6yRAohNLp6", "2000001"),
        ("{PBKDF2}5000001$c2l4dGVlbiBvY3RldHMuLg$HM/zhbFcPX5TsQyPwW5kZorX88g", "5000001"),
        (
            "$argon2id$v=19$m=262145,t=3,p=1$GoSFyIoA4Dn91xqeMT0oTA$Er6r5RCzVkwYvQRDGHh3i4RhecIOHAb7oE3+3je/Xcg",
            "262145",
        ),
        (
            "$argon2id$v=19$m=262144,t=64,p=1$GoSFyIoA4Dn91xqeMT0oTA$Er6r5RCzVkwYvQRDGHh3i4RhecIOHAb7oE3+3je/Xcg",
            "t=64",
        ),
        (
            "{SCRAM-SHA-1}5000001,lVG1Wn3hJiCLkMpQVVvokQ==,/+lRLEkk9aSEPD7bkD9ybQB0Jdo=,4bFaAfXW+ppQGRjFW30R1j70f8w=",
            "5000001",
        ),
    ];
    for (stored, reason) in bad {
        let told = acceptable(stored).expect_err(stored);
        assert!(told.contains(reason), "{stored}: {told}");
        assert_eq!(verify(stored, "x"), Verdict::Unusable, "{stored}");
    }
}

#[test]
fn no_text_of_an_unusable_entry_is_told() {
    assert!(!acceptable("hunter2").unwrap_err().contains("hunter2"));
}

#[test]
fn new_hashes_serve_a_password_login_and_scram() {
    let stored = hash(PASSWORD);
    assert!(stored.starts_with("{ARGON2ID}$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
    assert_eq!(verify(&stored, PASSWORD), Verdict::Right);
    assert_eq!(verify(&stored, "wrong"), Verdict::Wrong);
    assert_ne!(stored, hash(PASSWORD), "no salt");
    assert!(!is_outdated(&stored, PASSWORD, true) && is_outdated(&stored, PASSWORD, false));
    for kind in [ScramHash::Sha1, ScramHash::Sha256] {
        let keys = scram_keys(&stored, kind).unwrap();
        assert_eq!(keys.iterations, SCRAM_ITERATIONS);
        assert!(keys.matches(kind, PASSWORD.as_bytes()) && !keys.matches(kind, b"wrong"));
    }
    assert_eq!(acceptable(&stored), Ok(()));
    let alone = hash_without_scram(PASSWORD);
    assert!(scram_keys(&alone, ScramHash::Sha256).is_none() && !is_outdated(&alone, PASSWORD, false));
    assert_eq!(renewed(&stored, PASSWORD, false).split(' ').count(), 1);
    let imported = renewed("{SHA}wBFJYYjnh5eS5Eft5JORpd7Gkko=", PASSWORD, true);
    assert_eq!(verify(&imported, PASSWORD), Verdict::Right);
}

#[test]
fn a_plain_password_may_look_like_anything() {
    for password in ["with blanks {SHA}x", " {SCRAM-SHA-1}", "{PLAIN}", "}"] {
        let stored = format!("{{PLAIN}}{password}");
        assert_eq!(verify(&stored, password), Verdict::RightButOutdated, "{password}");
        assert_eq!(plain_text(&stored).as_deref(), Some(password.as_bytes()));
    }
    assert_eq!(plain_text("{SHA}wBFJYYjnh5eS5Eft5JORpd7Gkko="), None);
}

// RFC 4013 section 2
#[test]
fn different_codes_for_the_same_password_are_the_same() {
    let stored = hash_without_scram("pa\u{308}ss\u{a0}word");
    assert_eq!(verify(&stored, "p\u{e4}ss word"), Verdict::Right);
    // An imported hash was made of the octets as they came.
    let stored = format!("{{PLAIN}}{}", "pa\u{308}ss");
    assert_eq!(verify(&stored, "pa\u{308}ss"), Verdict::RightButOutdated);
    // Latin 1, as old POP3 clients send it.
    assert_eq!(verify_octets("{PLAIN.b64}cORzcw==", b"p\xe4ss"), Verdict::RightButOutdated);
}

#[test]
fn passwords_that_crypt_would_cut_off_are_wrong() {
    assert_eq!(verify("aZnfQZ.reMbH2", "correct \0horse"), Verdict::Wrong);
    assert_eq!(verify(&format!("{{PLAIN}}{}", "x".repeat(1025)), &"x".repeat(1025)), Verdict::Wrong);
}

// RFC 7677 section 3
#[test]
fn scram_keys_as_in_the_rfc() {
    let salt = secret::base64("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
    let keys = ScramKeys::derive(ScramHash::Sha256, b"pencil", &salt, 4096);
    assert_eq!(ScramKeys::parse(ScramHash::Sha256, &keys.to_string()), Ok(keys.clone()));
    let text = "4096,W22ZaJ0SNY7soEsUEjb6gQ==,WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=,wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";
    assert_eq!(keys.to_string(), text);
}

#[test]
fn cram_keys_come_from_either_form() {
    let kept =
        cram_keys("{CRAM-MD5}80aec1449634d113e46324e5809848338c28256a7d6da9b7914aa2ece45e4479").unwrap();
    let made = cram_keys("{PLAIN}pässword 1").unwrap();
    assert!(kept == made);
    assert_eq!(kept.hmac(b"challenge"), made.hmac(b"challenge"));
    assert!(cram_keys("{SHA}wBFJYYjnh5eS5Eft5JORpd7Gkko=").is_none());
}

proptest::proptest! {
    #[test]
    fn nothing_stored_makes_a_panic(stored in "(\\{[A-Z0-9.-]{0,14}\\})?[$a-z0-9=,./ {}]{0,70}", password in "\\PC{0,20}") {
        // What would compute for seconds is left out: the costs are tested above.
        proptest::prop_assume!(!stored.contains("argon2") && !stored.contains("pbkdf2") && !stored.contains("$2"));
        verify(&stored, &password);
    }
}

#[test]
fn a_password_that_scram_cannot_use_is_not_renewed_for_ever() {
    // RFC 4013 section 2.3: a control character is prohibited.
    let stored = hash("bell\u{7}");
    assert!(scram_keys(&stored, ScramHash::Sha1).is_none());
    assert!(!is_outdated(&stored, "bell\u{7}", true));
    assert_eq!(verify(&stored, "bell\u{7}"), Verdict::Right);
}
