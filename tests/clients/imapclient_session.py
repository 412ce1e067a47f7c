"""IMAPClient (PyPI): a session with what it knows of extensions, and a second connection that idles."""
import imapclient
from imapclient.exceptions import IMAPClientError

from common import ACCOUNT, PASSWORD, TLS, deliver
import os
import re


def connect():
    client = imapclient.IMAPClient("localhost", int(os.environ["IMAPS"]), ssl_context=TLS, timeout=60)
    client.login(ACCOUNT, PASSWORD)
    return client


def numbers(client):
    rows = client.fetch(client.search(), ["BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)]"])
    found = [re.search(rb"<m(\d+)@", b"".join(v for v in row.values() if isinstance(v, bytes))) for _, row in sorted(rows.items())]
    return [int(match.group(1)) for match in found]


def reads(client):
    info = client.select_folder("INBOX")
    assert info[b"EXISTS"] == 12 and info[b"UIDNEXT"] == 13, info
    row = client.fetch(5, ["ENVELOPE", "BODYSTRUCTURE", "RFC822.SIZE", "BODY.PEEK[]", "FLAGS", "INTERNALDATE"])[5]
    assert row[b"RFC822.SIZE"] == len(row[b"BODY[]"])
    assert row[b"ENVELOPE"].message_id == b"<m5@example.test>"
    assert row[b"BODYSTRUCTURE"].is_multipart
    assert b"\\Seen" not in row[b"FLAGS"]
    assert client.fetch(5, ["BODY[1]"])[5][b"BODY[1]"] == b"hello"
    assert b"\\Seen" in client.get_flags(5)[5]


def finds(client):
    assert client.search(["SUBJECT", "message 7"]) == [7]
    assert client.search(["TEXT", "gr\u00fc\u00dfe"], "UTF-8") == list(range(1, 13))
    assert client.search(["NOT", ["SEEN"], "UID", "4:6"]) == [4, 6]
    if client.has_capability("SORT"):
        # Those of the same second stay in the order of the mailbox.
        dates = client.fetch(client.search(), ["INTERNALDATE"])
        newest = sorted(sorted(dates), key=lambda uid: dates[uid][b"INTERNALDATE"], reverse=True)
        assert client.sort(["REVERSE ARRIVAL"]) == newest, (newest, dates)
        by_size = client.sort("SIZE")
        sizes = client.fetch(client.search(), ["RFC822.SIZE"])
        assert by_size == sorted(sizes, key=lambda uid: (sizes[uid][b"RFC822.SIZE"], uid)), by_size
        assert client.sort(["SUBJECT"], ["UID", "1:3"]) == [1, 2, 3]
    for algorithm in ["REFERENCES", "ORDEREDSUBJECT"]:
        if client.has_capability(f"THREAD={algorithm}"):
            threads = client.thread(algorithm)
            assert sorted(uid for thread in threads for uid in flat(thread)) == list(range(1, 13)), threads


def flat(thread):
    for part in thread:
        if isinstance(part, tuple):
            yield from flat(part)
        else:
            yield part


def changes(client):
    client.add_flags([2, 3], [imapclient.FLAGGED, b"$Work"])
    assert client.search(["FLAGGED", "KEYWORD", "$Work"]) == [2, 3]
    client.create_folder("Keep/Gr\u00f6\u00dfe")
    client.copy([1, 2], "Keep/Gr\u00f6\u00dfe")
    client.move([11], "Keep/Gr\u00f6\u00dfe")
    client.delete_messages([12])
    client.expunge()
    assert numbers(client) == list(range(1, 11))
    client.append("Keep/Gr\u00f6\u00dfe", b"Message-ID: <m40@x>\r\n\r\nhi\r\n", [imapclient.SEEN])
    status = client.folder_status("Keep/Gr\u00f6\u00dfe", ["MESSAGES", "UNSEEN", "UIDNEXT"])
    assert status == {b"MESSAGES": 4, b"UNSEEN": 3, b"UIDNEXT": 5}, status
    if client.has_capability("MULTIAPPEND"):
        client.multiappend("Keep/Gr\u00f6\u00dfe", [b"Message-ID: <m41@x>\r\n\r\n1\r\n", b"Message-ID: <m42@x>\r\n\r\n2\r\n"])
        assert client.folder_status("Keep/Gr\u00f6\u00dfe", ["MESSAGES"]) == {b"MESSAGES": 6}


def mailboxes(client):
    assert client.find_special_folder(b"\\Sent") == "Sent"
    client.rename_folder("Keep/Gr\u00f6\u00dfe", "Keep/less")
    assert "Keep/less" in [name for _, _, name in client.list_folders()]
    client.delete_folder("Keep/less")
    if client.has_capability("QUOTA"):
        quotas = client.get_quota()
        assert all(quota.usage >= 0 for quota in quotas), quotas
    if client.has_capability("ACL"):
        rights = client.getacl("INBOX")
        assert any(who == ACCOUNT.encode() and b"l" in letters for who, letters in rights), rights


def watches(client):
    client.idle()
    deliver(b"Message-ID: <m60@example.test>\r\nSubject: new\r\n\r\nhello\r\n")
    seen = []
    while (11, b"EXISTS") not in seen:
        answers = client.idle_check(timeout=60)
        assert answers, "nothing came in IDLE"
        seen += answers
    client.idle_done()


client = connect()
reads(client)
finds(client)
changes(client)
mailboxes(client)
watches(client)
try:
    client.select_folder("No such mailbox")
    raise SystemExit("SELECT of a mailbox that does not exist was OK")
except IMAPClientError as error:
    assert "NONEXISTENT" in str(error) or "exist" in str(error).lower(), error
client.logout()
