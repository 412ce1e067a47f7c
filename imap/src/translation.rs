//! The texts of responses in other languages than English. RFC 5255 section 3
//!
//! One table: each row is a text as the code has it, where `{}` stands for what is filled in. A text without a row stays
//! English. Another has the phrases that two of the rows are filled in with; what comes from a client, like the name of a
//! mailbox, is never translated. A third has the names of the namespaces, which clients show in place of ours.

use std::borrow::Cow;

use crate::language::Language;

/// A text in three languages, each with the same number of `{}`.
struct Row {
    english: &'static str,
    german: &'static str,
    french: &'static str,
}

impl Row {
    fn in_language(&self, language: Language) -> &'static str {
        match language {
            Language::Default | Language::English => self.english,
            Language::German => self.german,
            Language::French => self.french,
        }
    }
}

/// The text in the language, or as it is where it has no row.
pub fn translated(text: &str, language: Language) -> Cow<'_, str> {
    if matches!(language, Language::Default | Language::English) {
        return Cow::Borrowed(text);
    }
    let found = TEXTS.iter().find_map(|row| filled(row.english, text).map(|values| (row, values)));
    let Some((row, values)) = found else { return Cow::Borrowed(text) };
    let takes_phrases = TAKE_PHRASES.contains(&row.english);
    let phrase = |value| {
        let row = PHRASES.iter().filter(|_| takes_phrases).find(|row| row.english == value);
        row.map_or(value, |row| row.in_language(language))
    };
    Cow::Owned(fill(row.in_language(language), values.into_iter().map(phrase)))
}

/// What the first level of a namespace is called in the language; `None` where it is not called otherwise, or where the
/// site has given it a name of its own. RFC 5255 section 3.4
pub fn namespace(level: &str, language: Language) -> Option<&'static str> {
    let row = NAMESPACES.iter().find(|row| row.english == level)?;
    Some(row.in_language(language)).filter(|name| *name != level)
}

/// What stands in the text where the pattern has `{}`; `None` when the text is another one.
fn filled<'t>(pattern: &str, text: &'t str) -> Option<Vec<&'t str>> {
    let mut pieces = pattern.split("{}");
    let mut rest = text.strip_prefix(pieces.next()?)?;
    let mut values = Vec::new();
    let mut pieces = pieces.peekable();
    while let Some(piece) = pieces.next() {
        let at =
            if pieces.peek().is_some() { rest.find(piece)? } else { rest.len().checked_sub(piece.len())? };
        let value = rest.get(..at)?;
        rest = rest.get(at..)?.strip_prefix(piece)?;
        values.push(value);
    }
    rest.is_empty().then_some(values)
}

fn fill<'v>(pattern: &str, values: impl Iterator<Item = &'v str>) -> String {
    let mut out = String::new();
    let mut values = values.fuse();
    for (index, piece) in pattern.split("{}").enumerate() {
        if index > 0 {
            out.push_str(values.next().unwrap_or_default());
        }
        out.push_str(piece);
    }
    out
}

const fn row(english: &'static str, german: &'static str, french: &'static str) -> Row {
    Row { english, german, french }
}

/// The rows that are filled in with phrases of ours.
const TAKE_PHRASES: [&str; 2] = ["{} is not allowed {}", "Expected {} at {}"];

#[rustfmt::skip]
static NAMESPACES: &[Row] = &[
    row("Other Users", "Andere Benutzer", "Autres utilisateurs"),
    row("Public", "Öffentlich", "Public"),
];

#[rustfmt::skip]
static TEXTS: &[Row] = &[
    row("{} completed",
        "{} ausgeführt",
        "{} exécuté"),
    row("Logged in",
        "Angemeldet",
        "Connecté"),
    row("Logging out",
        "Abmeldung",
        "Déconnexion"),
    row("Moved",
        "Verschoben",
        "Déplacé"),
    row("These languages are spoken here",
        "Diese Sprachen werden hier gesprochen",
        "Voici les langues parlées ici"),
    row("This is the language now",
        "Ab jetzt in dieser Sprache",
        "Désormais dans cette langue"),
    row("Language {} is not spoken here",
        "Die Sprache {} wird hier nicht gesprochen",
        "La langue {} n'est pas parlée ici"),
    row("Begin TLS negotiation now",
        "TLS kann jetzt beginnen",
        "Commencez la négociation TLS"),
    row("Conditional STORE failed",
        "Das bedingte STORE ist gescheitert",
        "Le STORE conditionnel a échoué"),
    row("UIDs are valid",
        "Die UIDs gelten",
        "Les UID sont valides"),
    row("Predicted next UID",
        "Voraussichtlich nächste UID",
        "Prochaine UID prévue"),
    row("Highest",
        "Höchste",
        "La plus haute"),
    row("First unseen message",
        "Erste ungelesene Nachricht",
        "Premier message non lu"),
    row("Flags permitted",
        "Erlaubte Flags",
        "Drapeaux permis"),
    row("No permanent flags permitted",
        "Keine bleibenden Flags erlaubt",
        "Aucun drapeau permanent permis"),
    row("Previous mailbox closed",
        "Das vorige Postfach ist geschlossen",
        "La boîte précédente est fermée"),
    row("Expunges are still to come",
        "Das Entfernen wird noch gemeldet",
        "Les suppressions restent à annoncer"),
    row("authentication failed",
        "Anmeldung fehlgeschlagen",
        "échec de l'authentification"),
    row("you may log in as yourself alone: leave the authorization identity empty",
        "Sie können sich nur als Sie selbst anmelden: lassen Sie die Autorisierungsidentität leer",
        "vous ne pouvez vous connecter qu'en votre nom : laissez vide l'identité d'autorisation"),
    row("credentials have expired",
        "die Zugangsdaten sind abgelaufen",
        "les identifiants ont expiré"),
    row("encryption needed: use TLS",
        "Verschlüsselung nötig: benutzen Sie TLS",
        "chiffrement nécessaire : utilisez TLS"),
    row("mechanism not supported",
        "dieses Anmeldeverfahren gibt es hier nicht",
        "mécanisme non pris en charge"),
    row("authentication cancelled",
        "Anmeldung abgebrochen",
        "authentification annulée"),
    row("too many failed logins, try again in {} s",
        "zu viele Fehlversuche, versuchen Sie es in {} s wieder",
        "trop d'échecs de connexion, réessayez dans {} s"),
    row("temporary failure, try again later",
        "vorübergehender Fehler, versuchen Sie es später",
        "échec temporaire, réessayez plus tard"),
    row("no account {}",
        "kein Konto {}",
        "pas de compte {}"),
    row("no mailbox {}",
        "kein Postfach {}",
        "pas de boîte {}"),
    row("mailbox {} exists already",
        "das Postfach {} gibt es schon",
        "la boîte {} existe déjà"),
    row("over quota: {}",
        "Speicherplatz aufgebraucht: {}",
        "quota dépassé : {}"),
    row("message of {} octets is larger than the limit of {}",
        "die Nachricht mit {} Oktetten ist größer als die Grenze von {}",
        "le message de {} octets dépasse la limite de {}"),
    row("Message of {} octets is larger than the limit of {}",
        "Die Nachricht mit {} Oktetten ist größer als die Grenze von {}",
        "Le message de {} octets dépasse la limite de {}"),
    row("limit reached: {}",
        "Grenze erreicht: {}",
        "limite atteinte : {}"),
    row("message has been expunged",
        "die Nachricht wurde entfernt",
        "le message a été supprimé"),
    row("Disk full, nothing was stored; try again later",
        "Die Platte ist voll, nichts wurde gespeichert; versuchen Sie es später",
        "Disque plein, rien n'a été enregistré ; réessayez plus tard"),
    row("Stored data is damaged; ask the administrator",
        "Gespeicherte Daten sind beschädigt; fragen Sie den Verwalter",
        "Des données enregistrées sont endommagées ; demandez à l'administrateur"),
    row("Store unavailable, try again later",
        "Der Speicher ist nicht erreichbar, versuchen Sie es später",
        "Stockage indisponible, réessayez plus tard"),
    row("Internal error",
        "Interner Fehler",
        "Erreur interne"),
    row("This account no longer exists; ask the administrator",
        "Dieses Konto gibt es nicht mehr; fragen Sie den Verwalter",
        "Ce compte n'existe plus ; demandez à l'administrateur"),
    row("Server is shutting down",
        "Der Server wird beendet",
        "Le serveur s'arrête"),
    row("The administrator ended this session",
        "Der Verwalter hat diese Sitzung beendet",
        "L'administrateur a mis fin à cette session"),
    row("Idle for too long",
        "Zu lange untätig",
        "Inactif trop longtemps"),
    row("Timed out waiting for the client",
        "Zu lange auf den Client gewartet",
        "Délai d'attente du client dépassé"),
    row("Too slow to log in",
        "Die Anmeldung dauerte zu lange",
        "Connexion trop lente"),
    row("Too many bad commands",
        "Zu viele falsche Befehle",
        "Trop de commandes incorrectes"),
    row("Line too long",
        "Zeile zu lang",
        "Ligne trop longue"),
    row("Endless line",
        "Endlose Zeile",
        "Ligne sans fin"),
    row("Command too long",
        "Befehl zu lang",
        "Commande trop longue"),
    row("Literal too large",
        "Literal zu groß",
        "Littéral trop grand"),
    row("A command begins with a tag and a space",
        "Ein Befehl beginnt mit einem Tag und einem Leerzeichen",
        "Une commande commence par une étiquette et une espace"),
    row("Unknown command {}",
        "Unbekannter Befehl {}",
        "Commande inconnue : {}"),
    row("{} is not allowed {}",
        "{} ist {} nicht erlaubt",
        "{} n'est pas permis {}"),
    row("Not allowed before login",
        "Vor der Anmeldung nicht erlaubt",
        "Interdit avant la connexion"),
    row("No mailbox is selected",
        "Kein Postfach ist gewählt",
        "Aucune boîte n'est sélectionnée"),
    row("The mailbox is selected read-only",
        "Das Postfach ist nur zum Lesen gewählt",
        "La boîte est sélectionnée en lecture seule"),
    row("You have no right to do that in {}: your rights are {}",
        "Dazu haben Sie in {} kein Recht; Ihre Rechte sind {}",
        "Vous n'avez pas ce droit dans {} ; vos droits sont {}"),
    row("{} is read-only for you: your rights are {}",
        "{} können Sie nur lesen; Ihre Rechte sind {}",
        "{} est en lecture seule pour vous ; vos droits sont {}"),
    row("You have no right to create {}: what is below {} is public",
        "Sie haben kein Recht, {} anzulegen: was unter {} liegt, ist öffentlich",
        "Vous n'avez pas le droit de créer {} : ce qui est sous {} est public"),
    row("You have no right to create {}: what is below {} belongs to others",
        "Sie haben kein Recht, {} anzulegen: was unter {} liegt, gehört anderen",
        "Vous n'avez pas le droit de créer {} : ce qui est sous {} appartient à d'autres"),
    row("You have no right to create {}",
        "Sie haben kein Recht, {} anzulegen",
        "Vous n'avez pas le droit de créer {}"),
    row("{} can be read once it is subscribed: subscribe to it in your mail program (SUBSCRIBE), or ask the administrator",
        "{} kann gelesen werden, sobald es abonniert ist: abonnieren Sie es im Mailprogramm (SUBSCRIBE) oder fragen Sie den Verwalter",
        "{} peut être lue une fois abonnée : abonnez-vous dans votre logiciel de courrier (SUBSCRIBE) ou demandez à l'administrateur"),
    row("The mailbox is read-only now",
        "Das Postfach kann jetzt nur noch gelesen werden",
        "La boîte est désormais en lecture seule"),
    row("The mailbox can be changed now",
        "Das Postfach kann jetzt geändert werden",
        "La boîte peut désormais être modifiée"),
    row("Your right to read the selected mailbox was taken away",
        "Ihr Recht, das gewählte Postfach zu lesen, wurde entzogen",
        "Votre droit de lire la boîte sélectionnée a été retiré"),
    row("The selected mailbox was deleted by another session",
        "Das gewählte Postfach wurde in einer anderen Sitzung gelöscht",
        "La boîte sélectionnée a été effacée par une autre session"),
    row("Some of the messages no longer exist",
        "Einige der Nachrichten gibt es nicht mehr",
        "Certains messages n'existent plus"),
    row("A message is damaged; ask the administrator",
        "Eine Nachricht ist beschädigt; fragen Sie den Verwalter",
        "Un message est endommagé ; demandez à l'administrateur"),
    row("No message has this number: the mailbox is empty",
        "Keine Nachricht hat diese Nummer: das Postfach ist leer",
        "Aucun message n'a ce numéro : la boîte est vide"),
    row("No message has the number {}: the mailbox has {} messages",
        "Keine Nachricht hat die Nummer {}: im Postfach sind {} Nachrichten",
        "Aucun message n'a le numéro {} : la boîte contient {} messages"),
    row("INBOX exists always",
        "INBOX gibt es immer",
        "INBOX existe toujours"),
    row("INBOX cannot be deleted",
        "INBOX kann nicht gelöscht werden",
        "INBOX ne peut pas être effacée"),
    row("A mailbox cannot be renamed into another account",
        "Ein Postfach kann nicht in ein anderes Konto umbenannt werden",
        "Une boîte ne peut pas être renommée vers un autre compte"),
    row("A mailbox can have one special use",
        "Ein Postfach kann einen besonderen Zweck haben, nicht mehrere",
        "Une boîte ne peut avoir qu'un usage particulier"),
    row("The message is empty: nothing was appended",
        "Die Nachricht ist leer: nichts wurde abgelegt",
        "Le message est vide : rien n'a été ajouté"),
    row("More than {} octets in one command; append the messages in several",
        "Mehr als {} Oktette in einem Befehl; legen Sie die Nachrichten in mehreren ab",
        "Plus de {} octets dans une commande ; ajoutez les messages en plusieurs fois"),
    row("NUL in a literal that is no literal8",
        "NUL in einem Literal, das kein literal8 ist",
        "NUL dans un littéral qui n'est pas un literal8"),
    row("More than {} messages in one command; name fewer of them",
        "Mehr als {} Nachrichten in einem Befehl; nennen Sie weniger",
        "Plus de {} messages dans une commande ; nommez-en moins"),
    row("Only a part of the messages was worked on",
        "Nur ein Teil der Nachrichten wurde bearbeitet",
        "Une partie seulement des messages a été traitée"),
    row("There is no message with this UID",
        "Keine Nachricht hat diese UID",
        "Aucun message n'a cet UID"),
    row("Message numbers are off: UIDONLY is enabled",
        "Keine Nachrichtennummern: UIDONLY ist eingeschaltet",
        "Pas de numéros de message : UIDONLY est activé"),
    row("There is no such quota root; GETQUOTAROOT INBOX names yours",
        "Diese Quota-Wurzel gibt es nicht; GETQUOTAROOT INBOX nennt Ihre",
        "Cette racine de quota n'existe pas ; GETQUOTAROOT INBOX nomme la vôtre"),
    row("Only an administrator may set limits",
        "Nur Verwalter dürfen Grenzen setzen",
        "Seul un administrateur peut fixer des limites"),
    row("{} is no user and no group here: write a user's whole name, $NAME for a group, or \"anyone\"",
        "{} ist hier weder Benutzer noch Gruppe: schreiben Sie den ganzen Namen, $NAME für eine Gruppe oder \"anyone\"",
        "{} n'est ici ni utilisateur ni groupe : écrivez le nom entier, $NAME pour un groupe, ou \"anyone\""),
    row("The right \"{}\" is not known",
        "Das Recht \"{}\" ist unbekannt",
        "Le droit \"{}\" est inconnu"),
    row("Uppercase rights are not allowed",
        "Rechte in Großbuchstaben sind nicht erlaubt",
        "Les droits en majuscules ne sont pas permis"),
    row("DEFLATE active already",
        "DEFLATE ist schon aktiv",
        "DEFLATE est déjà actif"),
    row("IMAP4rev2 has no FETCH item {}; use BODY[...]",
        "IMAP4rev2 hat keinen Teil {} in FETCH; benutzen Sie BODY[...]",
        "IMAP4rev2 n'a pas d'élément FETCH {} ; utilisez BODY[...]"),
    row("IMAP4rev2 has no search key {}",
        "IMAP4rev2 hat keinen Suchschlüssel {}",
        "IMAP4rev2 n'a pas de clé de recherche {}"),
    row("No CHARSET after ENABLE UTF8=ACCEPT: search strings are UTF-8",
        "Kein CHARSET nach ENABLE UTF8=ACCEPT: Suchtexte sind UTF-8",
        "Pas de CHARSET après ENABLE UTF8=ACCEPT : les textes cherchés sont en UTF-8"),
    row("The Content-Transfer-Encoding {} is not known; fetch the part as it is, by BODY",
        "Das Content-Transfer-Encoding {} ist unbekannt; holen Sie den Teil durch BODY, wie er ist",
        "Le Content-Transfer-Encoding {} est inconnu ; prenez la partie telle quelle, par BODY"),
    row("Special use \\{} is not known",
        "Der besondere Zweck \\{} ist unbekannt",
        "L'usage particulier \\{} est inconnu"),
    row("A literal that is not waited for has at most {} octets here",
        "Ein Literal, auf das nicht gewartet wird, hat hier höchstens {} Oktette",
        "Un littéral envoyé sans attendre a ici au plus {} octets"),
    row("NUL in a command",
        "NUL in einem Befehl",
        "NUL dans une commande"),
    row("Keyword longer than {} octets",
        "Ein Schlüsselwort mit mehr als {} Oktetten",
        "Mot-clé de plus de {} octets"),
    row("More than {} keywords in one command",
        "Mehr als {} Schlüsselwörter in einem Befehl",
        "Plus de {} mots-clés dans une commande"),
    row("More than {} items in one FETCH",
        "Mehr als {} Teile in einem FETCH",
        "Plus de {} éléments dans un FETCH"),
    row("More than {} fields",
        "Mehr als {} Felder",
        "Plus de {} champs"),
    row("Search keys nested deeper than {} levels",
        "Suchschlüssel mehr als {} Ebenen tief geschachtelt",
        "Clés de recherche imbriquées sur plus de {} niveaux"),
    row("More than {} strings to look for in bodies; search in steps",
        "Mehr als {} Texte, die in Nachrichten zu suchen sind; suchen Sie in Schritten",
        "Plus de {} textes à chercher dans les messages ; cherchez par étapes"),
    row("Too many messages apart from one another to be saved",
        "Zu viele einzelne Nachrichten, um sie zu merken",
        "Trop de messages séparés pour être mémorisés"),
    row("A URL has at most {} octets",
        "Eine URL hat höchstens {} Oktette",
        "Une URL a au plus {} octets"),
    row("QRESYNC must be enabled first",
        "QRESYNC muss zuerst eingeschaltet werden",
        "QRESYNC doit d'abord être activé"),
    row("DEFLATE is the only algorithm there is",
        "DEFLATE ist das einzige Verfahren",
        "DEFLATE est le seul algorithme"),
    row("Unknown section {}",
        "Unbekannter Abschnitt {}",
        "Section inconnue : {}"),
    row("Unknown FETCH modifier {}",
        "Unbekannter Zusatz {} zu FETCH",
        "Modificateur FETCH inconnu : {}"),
    row("Unknown search return option {}",
        "Unbekannte Angabe {} in RETURN",
        "Option RETURN inconnue : {}"),
    row("Unknown LIST selection option {}",
        "Unbekannte Auswahl {} in LIST",
        "Option de sélection LIST inconnue : {}"),
    row("Unknown LIST return option {}",
        "Unbekannte Angabe {} im RETURN von LIST",
        "Option RETURN de LIST inconnue : {}"),
    row("Resource {} is not limited here; STORAGE, MESSAGE and MAILBOX are",
        "{} wird hier nicht begrenzt; STORAGE, MESSAGE und MAILBOX schon",
        "{} n'est pas limité ici ; STORAGE, MESSAGE et MAILBOX le sont"),
    row("Too much has happened: NOTIFY is off",
        "Zu viel ist geschehen: NOTIFY ist aus",
        "Trop d'événements : NOTIFY est arrêté"),
    row("too many connections",
        "zu viele Verbindungen",
        "trop de connexions"),
    row("too many connections from your address",
        "zu viele Verbindungen von Ihrer Adresse",
        "trop de connexions depuis votre adresse"),
    row("too many connections for this account",
        "zu viele Verbindungen zu diesem Konto",
        "trop de connexions pour ce compte"),
    row("connecting too fast",
        "zu schnell neue Verbindungen",
        "connexions trop rapprochées"),
    row("The mailbox name is not valid modified UTF-7 (RFC 3501 section 5.1.3)",
        "Der Name des Postfachs ist kein gültiges modifiziertes UTF-7 (RFC 3501, Abschnitt 5.1.3)",
        "Le nom de la boîte n'est pas de l'UTF-7 modifié valide (RFC 3501, section 5.1.3)"),
    row("The mailbox name is not valid UTF-8",
        "Der Name des Postfachs ist kein gültiges UTF-8",
        "Le nom de la boîte n'est pas de l'UTF-8 valide"),
    row("a mailbox name must not be empty",
        "der Name eines Postfachs darf nicht leer sein",
        "le nom d'une boîte ne doit pas être vide"),
    row("TLS is active already",
        "TLS ist schon aktiv",
        "TLS est déjà actif"),
    row("STARTTLS is not offered here",
        "STARTTLS gibt es hier nicht",
        "STARTTLS n'est pas proposé ici"),
    row("Unknown charset",
        "Unbekannter Zeichensatz",
        "Jeu de caractères inconnu"),
    row("The search string is not valid {}",
        "Der Suchtext ist kein gültiges {}",
        "Le texte cherché n'est pas du {} valide"),
    row("Unknown FETCH item {}",
        "Unbekannter Teil {} in FETCH",
        "Élément FETCH inconnu : {}"),
    row("Unknown search key {}",
        "Unbekannter Suchschlüssel {}",
        "Clé de recherche inconnue : {}"),
    row("Unknown STATUS item {}",
        "Unbekannter Teil {} in STATUS",
        "Élément STATUS inconnu : {}"),
    row("Unknown system flag \\{}",
        "Unbekanntes System-Flag \\{}",
        "Drapeau système inconnu : \\{}"),
    row("Expected {} at {}",
        "Erwartet wird {} an der Stelle: {}",
        "{} attendu à : {}"),
    row("Command with its literals is longer than {} octets",
        "Der Befehl ist mit seinen Literalen länger als {} Oktette",
        "La commande et ses littéraux dépassent {} octets"),
    row("The response is not valid base64",
        "Die Antwort ist kein gültiges Base64",
        "La réponse n'est pas du base64 valide"),
    row("Expected DONE",
        "Erwartet wird DONE",
        "DONE attendu"),
];

#[rustfmt::skip]
static PHRASES: &[Row] = &[
    row("before login",
        "vor der Anmeldung",
        "avant la connexion"),
    row("after login",
        "nach der Anmeldung",
        "après la connexion"),
    row("while no mailbox is selected",
        "ohne gewähltes Postfach",
        "sans boîte sélectionnée"),
    row("the end of the command",
        "das Ende des Befehls",
        "la fin de la commande"),
    row("a space",
        "ein Leerzeichen",
        "une espace"),
    row("a string",
        "eine Zeichenkette",
        "une chaîne"),
    row("a number",
        "eine Zahl",
        "un nombre"),
    row("a literal",
        "ein Literal",
        "un littéral"),
    row("an atom",
        "ein Atom",
        "un atome"),
    row("an astring",
        "ein Wort oder eine Zeichenkette",
        "un mot ou une chaîne"),
    row("a search key",
        "ein Suchschlüssel",
        "une clé de recherche"),
    row("a set of message numbers",
        "eine Menge von Nachrichtennummern",
        "un ensemble de numéros de message"),
    row("the message as a literal",
        "die Nachricht als Literal",
        "le message en littéral"),
    row("a literal8",
        "ein literal8",
        "un literal8"),
    row("a whole literal",
        "ein ganzes Literal",
        "un littéral entier"),
    row("a number below 4294967296",
        "eine Zahl unter 4294967296",
        "un nombre inférieur à 4294967296"),
    row("a number above 0",
        "eine Zahl über 0",
        "un nombre supérieur à 0"),
    row("valid UTF-8",
        "gültiges UTF-8",
        "de l'UTF-8 valide"),
    row("a mailbox pattern",
        "ein Muster für Postfächer",
        "un motif de boîtes"),
    row("a FETCH item",
        "ein Teil für FETCH",
        "un élément FETCH"),
    row("a message number",
        "eine Nachrichtennummer",
        "un numéro de message"),
];

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn texts_are_translated_with_what_is_filled_in() {
        let german = |text| translated(text, Language::German);
        assert_eq!(german("NOOP completed"), "NOOP ausgef\u{fc}hrt");
        assert_eq!(german("FETCH is not allowed before login"), "FETCH ist vor der Anmeldung nicht erlaubt");
        assert_eq!(translated("Logged in", Language::French), "Connect\u{e9}");
        for language in [Language::Default, Language::English] {
            assert_eq!(translated("Logged in", language), "Logged in");
        }
    }

    #[test]
    fn what_has_no_row_stays_as_it_is() {
        for text in ["", "No such thing as this", "completed", "Logged in twice"] {
            assert_eq!(translated(text, Language::German), text);
        }
    }

    #[test]
    fn names_that_others_gave_are_left_alone() {
        let german = |text| translated(text, Language::German);
        assert_eq!(german("no mailbox Moved"), "kein Postfach Moved");
        assert_eq!(german("no mailbox a number"), "kein Postfach a number");
        assert_eq!(
            german("Expected a number at octet 7 (\"x\")"),
            "Erwartet wird eine Zahl an der Stelle: octet 7 (\"x\")"
        );
    }

    #[test]
    fn namespaces_are_called_otherwise() {
        assert_eq!(namespace("Other Users", Language::German), Some("Andere Benutzer"));
        assert_eq!(namespace("Public", Language::German), Some("\u{d6}ffentlich"));
        for language in [Language::Default, Language::English, Language::French] {
            assert_eq!(namespace("Public", language), None);
        }
        assert_eq!(namespace("Freigaben", Language::German), None);
    }

    fn all() -> impl Iterator<Item = &'static Row> {
        TEXTS.iter().chain(PHRASES).chain(NAMESPACES)
    }

    #[test]
    fn rows_fill_in_the_same_everywhere_and_are_safe_to_send() {
        for row in all() {
            let count = |text: &str| text.matches("{}").count();
            assert_eq!(count(row.english), count(row.german), "{}", row.english);
            assert_eq!(count(row.english), count(row.french), "{}", row.english);
            // RFC 5255 section 3.1: i-default is ASCII. RFC 9051 section 9: no text begins like a response code.
            assert!(row.english.is_ascii(), "{}", row.english);
            for text in [row.english, row.german, row.french] {
                assert!(!text.is_empty() && !text.starts_with('[') && !text.contains(char::is_control));
            }
        }
    }

    #[test]
    fn no_text_has_two_rows() {
        for (index, row) in all().enumerate() {
            assert!(all().take(index).all(|other| other.english != row.english), "{}", row.english);
        }
        assert!(TAKE_PHRASES.iter().all(|text| TEXTS.iter().any(|row| row.english == *text)));
    }

    /// A row whose text nobody sends any more would rot: each stands in the code.
    #[test]
    fn every_row_is_said_somewhere() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut sources = String::new();
        for folder in ["imap/src", "store/src", "common/src"] {
            read(&root.join(folder), &mut sources);
        }
        for row in all() {
            let written = row.english.replace('\\', "\\\\").replace('"', "\\\"");
            assert!(sources.contains(&format!("\"{written}\"")), "{}", row.english);
        }
    }

    /// All sources, what is filled in as `{}`, without this file.
    fn read(folder: &Path, sources: &mut String) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                read(&path, sources);
            } else if path.file_name().unwrap() != "translation.rs" {
                let text = std::fs::read_to_string(path).unwrap();
                let mut pieces = text.split('{');
                sources.push_str(pieces.next().unwrap());
                for piece in pieces {
                    let rest =
                        piece.split_once('}').filter(|(name, _)| name.len() < 30 && !name.contains(' '));
                    sources.push('{');
                    sources.push_str(&rest.map_or(piece.to_owned(), |(_, rest)| format!("}}{rest}")));
                }
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_has_a_translation(text in "\\PC{0,40}") {
            let _ = translated(&text, Language::French);
        }
    }
}
