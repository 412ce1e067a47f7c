"""Logins that must work and logins that must not, over TLS, and what plain text may not do."""
import base64
import imaplib
import poplib

from common import ACCOUNT, PASSWORD, imap, ok, pop3


def refused(call, error, *words):
    try:
        call()
    except error as reason:
        assert all(word in str(reason) for word in words), reason
        return
    raise AssertionError("a wrong login was let in")


client = imap(login=False)
refused(lambda: client.login(ACCOUNT, "wrong"), imaplib.IMAP4.error, "AUTHENTICATIONFAILED")
refused(lambda: client.login("nobody@example.test", PASSWORD), imaplib.IMAP4.error, "AUTHENTICATIONFAILED")
client.authenticate("PLAIN", lambda _: f"\0{ACCOUNT}\0{PASSWORD}".encode())
ok(client.select("INBOX"))
client.logout()

client = pop3(login=False)
client.user(ACCOUNT)
refused(lambda: client.pass_("wrong"), poplib.error_proto, "[AUTH]")
capabilities = client.capa()
for wanted in ("UIDL", "TOP", "USER", "SASL", "PIPELINING", "RESP-CODES", "AUTH-RESP-CODE", "UTF8", "LANG", "IMPLEMENTATION"):
    assert wanted in capabilities, (wanted, capabilities)
token = base64.b64encode(f"\0{ACCOUNT}\0{PASSWORD}".encode()).decode()
assert client._shortcmd(f"AUTH PLAIN {token}").startswith(b"+OK")
client.quit()
