//! What people read, in the languages that LANG offers (RFC 6856 section 3). English texts are ASCII, as RFC 1939 wants
//! until a client asks for another language.

/// A language that LANG offers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Language {
    #[default]
    English,
    German,
    French,
}

impl Language {
    pub const ALL: [Language; 3] = [Language::English, Language::German, Language::French];

    /// RFC 5646.
    pub fn tag(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::German => "de",
            Language::French => "fr",
        }
    }

    /// The language's name in itself.
    pub fn name(self) -> &'static str {
        match self {
            Language::English => "English",
            Language::German => "Deutsch",
            Language::French => "Fran\u{e7}ais",
        }
    }

    /// The language that a basic language range names. A longer range finds the language it begins with, as a client that wants
    /// `de-CH` is served better by `de` than by nothing.
    // RFC 4647 section 3.4
    pub fn matching(range: &str) -> Option<Language> {
        let primary = range.split('-').next().unwrap_or_default();
        Self::ALL.into_iter().find(|language| language.tag().eq_ignore_ascii_case(primary))
    }
}

macro_rules! texts {
    ($($name:ident: $english:literal, $german:literal, $french:literal;)*) => {
        /// A text in every language.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Text { $($name),* }

        impl Text {
            pub fn in_language(self, language: Language) -> &'static str {
                match self {
                    $(Text::$name => match language {
                        Language::English => $english,
                        Language::German => $german,
                        Language::French => $french,
                    },)*
                }
            }
        }

        #[cfg(test)]
        const ALL: &[Text] = &[$(Text::$name),*];
    };
}

texts! {
    AccountDisabled: "this account may not use POP3; ask the administrator",
        "dieses Konto darf POP3 nicht benutzen; fragen Sie den Verwalter",
        "ce compte ne peut pas utiliser POP3 ; demandez \u{e0} l'administrateur";
    AlreadyEncrypted: "TLS is in use already", "TLS wird schon benutzt", "TLS est d\u{e9}j\u{e0} actif";
    ApopOff: "APOP is not offered here; use PASS or AUTH", "APOP gibt es hier nicht; benutzen Sie PASS oder AUTH",
        "APOP n'est pas propos\u{e9} ici ; utilisez PASS ou AUTH";
    AuthenticationCancelled: "authentication cancelled", "Anmeldung abgebrochen", "authentification annul\u{e9}e";
    AuthenticationFailed: "wrong user name or password", "Benutzername oder Passwort falsch",
        "nom d'utilisateur ou mot de passe incorrect";
    BadNumber: "not a number", "keine Zahl", "ce n'est pas un nombre";
    Capabilities: "capabilities follow", "die F\u{e4}higkeiten folgen", "voici les capacit\u{e9}s";
    CredentialsExpired: "these credentials have expired", "diese Zugangsdaten sind abgelaufen",
        "ces identifiants ont expir\u{e9}";
    Deleted: "message deleted", "Nachricht gel\u{f6}scht", "message effac\u{e9}";
    EncryptionNeeded: "passwords need encryption here: use STLS or the TLS port first",
        "Passw\u{f6}rter brauchen hier Verschl\u{fc}sselung: zuerst STLS oder den TLS-Port benutzen",
        "les mots de passe exigent le chiffrement : utilisez d'abord STLS ou le port TLS";
    Expunged: "message was expunged by another session", "Nachricht wurde in einer anderen Sitzung gel\u{f6}scht",
        "message supprim\u{e9} par une autre session";
    Fault: "the server cannot do that; ask the administrator",
        "das kann der Server nicht; fragen Sie den Verwalter",
        "le serveur ne peut pas le faire ; demandez \u{e0} l'administrateur";
    Goodbye: "goodbye", "auf Wiedersehen", "au revoir";
    Kicked: "session ended by the administrator", "Sitzung vom Verwalter beendet",
        "session termin\u{e9}e par l'administrateur";
    LanguageChanged: "language changed", "Sprache gewechselt", "langue chang\u{e9}e";
    Languages: "languages follow", "die Sprachen folgen", "voici les langues";
    LineTooLong: "command line too long", "Befehlszeile zu lang", "ligne de commande trop longue";
    LockedOut: "too many failed logins, try again later", "zu viele Fehlversuche, versuchen Sie es sp\u{e4}ter",
        "trop d'\u{e9}checs de connexion, r\u{e9}essayez plus tard";
    LoggedIn: "maildrop ready", "Postfach bereit", "bo\u{ee}te pr\u{ea}te";
    LoginTooSoon: "logged in too recently, wait before the next login",
        "die letzte Anmeldung war gerade erst, warten Sie vor der n\u{e4}chsten",
        "connexion trop r\u{e9}cente, attendez avant la prochaine";
    MalformedResponse: "malformed authentication response", "fehlerhafte Antwort bei der Anmeldung",
        "r\u{e9}ponse d'authentification malform\u{e9}e";
    Mechanisms: "mechanisms follow", "die Verfahren folgen", "voici les m\u{e9}canismes";
    MessageDeleted: "message is deleted already", "Nachricht ist schon gel\u{f6}scht", "message d\u{e9}j\u{e0} effac\u{e9}";
    Messages: "messages", "Nachrichten", "messages";
    NoMaildrop: "this account has no maildrop; ask the administrator",
        "dieses Konto hat kein Postfach; fragen Sie den Verwalter",
        "ce compte n'a pas de bo\u{ee}te ; demandez \u{e0} l'administrateur";
    NoSuchMessage: "no such message", "keine solche Nachricht", "message inexistant";
    NoTls: "TLS is not offered here", "TLS gibt es hier nicht", "TLS n'est pas propos\u{e9} ici";
    NotRemoved: "the deleted messages were not removed and are still there; try again later",
        "die gel\u{f6}schten Nachrichten wurden nicht entfernt und sind noch da; versuchen Sie es sp\u{e4}ter",
        "les messages effac\u{e9}s n'ont pas \u{e9}t\u{e9} supprim\u{e9}s et sont toujours l\u{e0} ; r\u{e9}essayez plus tard";
    Octets: "octets", "Oktette", "octets";
    Password: "now the password", "jetzt das Passwort", "maintenant le mot de passe";
    Reset: "no message is deleted", "keine Nachricht ist gel\u{f6}scht", "aucun message n'est effac\u{e9}";
    ShuttingDown: "the server is shutting down, try again later",
        "der Server wird beendet, versuchen Sie es sp\u{e4}ter",
        "le serveur s'arr\u{ea}te, r\u{e9}essayez plus tard";
    StartTls: "begin TLS", "TLS beginnen", "commencez TLS";
    StoreUnavailable: "temporary failure, try again later", "vor\u{fc}bergehender Fehler, versuchen Sie es sp\u{e4}ter",
        "erreur temporaire, r\u{e9}essayez plus tard";
    Syntax: "wrong arguments", "falsche Argumente", "arguments incorrects";
    TlsAfterUtf8: "STLS must come before UTF8", "STLS muss vor UTF8 kommen", "STLS doit pr\u{e9}c\u{e9}der UTF8";
    TooManyConnections: "too many connections", "zu viele Verbindungen", "trop de connexions";
    TooManyMistakes: "too many bad commands", "zu viele falsche Befehle", "trop de commandes incorrectes";
    TooManySessions: "too many sessions of this account", "zu viele Sitzungen dieses Kontos",
        "trop de sessions pour ce compte";
    UnknownCommand: "unknown command", "unbekannter Befehl", "commande inconnue";
    UnknownLanguage: "no such language here", "diese Sprache gibt es hier nicht", "langue inconnue";
    UnknownMechanism: "no such authentication mechanism here", "dieses Anmeldeverfahren gibt es hier nicht",
        "m\u{e9}canisme d'authentification inconnu";
    UserFirst: "USER must come before PASS", "USER muss vor PASS kommen", "USER doit pr\u{e9}c\u{e9}der PASS";
    Utf8On: "UTF-8 it is", "jetzt UTF-8", "maintenant UTF-8";
    WrongState: "not now: the command belongs to another state of the session",
        "nicht jetzt: der Befehl geh\u{f6}rt in einen anderen Zustand der Sitzung",
        "pas maintenant : la commande rel\u{e8}ve d'un autre \u{e9}tat de la session";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn english_is_ascii_and_no_text_could_be_taken_for_a_response_code() {
        for text in ALL {
            assert!(text.in_language(Language::English).is_ascii());
            for language in Language::ALL {
                let line = text.in_language(language);
                // RFC 2449 section 3: a status line has at most 512 octets; section 8: codes begin with `[`.
                assert!(!line.starts_with('[') && line.len() < 200 && !line.contains(['\r', '\n']), "{line}");
            }
        }
    }

    #[test]
    fn language_ranges() {
        assert_eq!(Language::matching("de"), Some(Language::German));
        assert_eq!(Language::matching("DE-ch-1996"), Some(Language::German));
        assert_eq!(Language::matching("fr-CA"), Some(Language::French));
        // RFC 6856 section 3.3
        assert_eq!(Language::matching("MUL"), None);
        assert_eq!(Language::matching("uga"), None);
        assert_eq!(Language::matching(""), None);
    }
}
