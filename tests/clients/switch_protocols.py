"""The project's reason to be: one maildrop by POP3 and IMAP in turn and at once; UIDL, UIDs, sizes, counts agree."""
from common import deliver, imap, ok, pop3, sizes, uids, unique_ids


def agree():
    """Both protocols, opened afresh, see the same messages."""
    by_imap, by_pop3 = imap(), pop3()
    ok(by_imap.select("INBOX", readonly=True))
    rows, ids = uids(by_imap), unique_ids(by_pop3)
    assert [size for _, size, _ in rows] == sizes(by_pop3)
    assert len(ids) == len(rows) == by_pop3.stat()[0]
    by_imap.logout()
    by_pop3.quit()
    return {uid: unique_id for (uid, _, _), unique_id in zip(rows, ids)}


before = agree()
assert len(before) == 12

# POP3 reads, IMAP flags and moves while the POP3 session is open.
by_pop3 = pop3()
numbered = unique_ids(by_pop3)
by_pop3.retr(1)
by_imap = imap()
ok(by_imap.select("INBOX"))
ok(by_imap.store("1", "+FLAGS", r"(\Flagged \Seen)"))
ok(by_imap.create("Projects/2026"))
ok(by_imap.uid("MOVE", "2:3", "Projects/2026"))
ok(by_imap.uid("STORE", "4", "+FLAGS", r"(\Deleted)"))
ok(by_imap.expunge())

# The POP3 session goes on unmoved: numbers, sizes, unique-ids, and even the octets of what is gone from INBOX.
assert unique_ids(by_pop3) == numbered
assert b"message 2" in b"\n".join(by_pop3.retr(2)[1])
assert b"message 4" in b"\n".join(by_pop3.retr(4)[1])

# POP3 deletes, IMAP sees it when QUIT came, not before.
by_pop3.dele(5)
by_pop3.dele(6)
ok(by_imap.noop())
assert len(uids(by_imap)) == 9
by_pop3.quit()
ok(by_imap.noop())
rows = uids(by_imap)
assert [uid for uid, _, _ in rows] == [1, 7, 8, 9, 10, 11, 12], rows
assert r"\Flagged" in rows[0][2] and r"\Seen" in rows[0][2]

# New mail, both see it; unique-ids of the old mail stay what they were.
deliver(b"Subject: new\r\nMessage-ID: <m99@example.test>\r\n\r\nnew\r\n")
after = agree()
assert set(after) == {1, 7, 8, 9, 10, 11, 12, 13}, after
assert all(after[uid] == before[uid] for uid in after if uid in before)

# A session dropped without QUIT deletes nothing.
dropped = pop3()
for number in range(1, 9):
    dropped.dele(number)
dropped.sock.close()
assert agree() == after

# The moved messages are whole in their mailbox, and come back with new UIDs and so new unique-ids.
ok(by_imap.select("Projects/2026"))
assert len(uids(by_imap)) == 2
ok(by_imap.uid("MOVE", "1:2", "INBOX"))
back = agree()
assert set(back) == {1, 7, 8, 9, 10, 11, 12, 13, 14, 15}
assert len(set(back.values()) | set(before.values())) == 12 + 3
by_imap.logout()
