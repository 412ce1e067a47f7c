"""imaplib with UTF8=ACCEPT: names and subjects go in and come out as UTF-8; another session sees modified UTF-7."""
from common import deliver, imap, ok

TEXT = "Gr\u00fc\u00dfe aus \u4eac\u90fd"
client, other = imap(), imap()
ok(client.enable("UTF8=ACCEPT"))
assert client.utf8_enabled

ok(client.create('"Entw\u00fcrfe & mehr"'))
names = ok(client.list('""', '"Entw*"'))
assert names[0].decode().endswith('"Entw\u00fcrfe & mehr"'), names
names = ok(other.list('""', '"Entw*"'))
assert names[0].endswith(b'"Entw&APw-rfe &- mehr"'), names

deliver(f"From: a@example.test\r\nSubject: {TEXT}\r\n\r\nhello\r\n".encode())
ok(client.select("INBOX"))
found = ok(client.search(None, f'SUBJECT "{TEXT}"'))[0].split()
assert len(found) == 1, found
envelope = ok(client.fetch(found[0], "(ENVELOPE)"))[0]
assert f'"{TEXT}"'.encode() in envelope, envelope
message = f"From: a@example.test\r\nSubject: {TEXT} 2\r\n\r\nhello\r\n".encode()
# Older releases put the words of RFC 6855 inside the literal; RFC 9755 section 4 wants a plain one.
client.utf8_enabled = False
ok(client.append("INBOX", None, None, message))
client.utf8_enabled = True
found = ok(client.search(None, f'SUBJECT "{TEXT} 2"'))[0].split()
assert ok(client.fetch(found[0], "(BODY.PEEK[])"))[0][1] == message
client.logout()
other.logout()
