// imapflow (npm), the client under many webmails and gateways: a session with COMPRESS, IDLE, QRESYNC and all that it can ask.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import path from 'node:path';

const require = createRequire(path.join(process.env.MODULES, 'package.json'));
const { ImapFlow } = require('imapflow');

function open() {
    return new ImapFlow({
        host: 'localhost',
        port: Number(process.env.IMAPS),
        secure: true,
        tls: { ca: readFileSync(process.env.CA) },
        auth: { user: process.env.ACCOUNT, pass: process.env.PASSWORD },
        qresync: true,
        logger: false
    });
}

async function numbers(client, range = '1:*') {
    const found = [];
    for await (const message of client.fetch(range, { envelope: true })) {
        found.push(Number(message.envelope.messageId.match(/<m(\d+)@/)[1]));
    }
    return found;
}

async function reads(client) {
    assert.equal(client.mailbox.exists, 12);
    assert.deepEqual(await numbers(client), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    const one = await client.fetchOne('5', {
        uid: true, flags: true, envelope: true, bodyStructure: true, internalDate: true, size: true, source: true,
        headers: ['subject'], bodyParts: ['1', '2'], threadId: true
    });
    assert.equal(one.uid, 5);
    assert.equal(one.size, one.source.length);
    assert.equal(one.envelope.subject, 'message 5 grüße');
    assert.equal(one.bodyStructure.type, 'multipart/mixed');
    assert.equal(one.bodyStructure.childNodes.length, 2);
    assert.equal(one.bodyParts.get('1').toString(), 'hello');
    assert.ok(!one.flags.has('\\Seen'));
    const { content } = await client.download('5', '2', { uid: true });
    const pieces = [];
    for await (const piece of content) pieces.push(piece);
    assert.deepEqual([...Buffer.concat(pieces)], [0, 1, 2, 3]);
}

async function searches(client) {
    assert.deepEqual(await client.search({ subject: 'message 7' }, { uid: true }), [7]);
    assert.deepEqual(await client.search({ body: 'grüsse' }, { uid: true }), []);
    assert.deepEqual(await client.search({ header: { 'message-id': 'm9@' } }, { uid: true }), [9]);
    assert.deepEqual(await client.search({ or: [{ from: 'sender3' }, { from: 'sender4@' }] }, { uid: true }), [3, 4]);
    assert.equal((await client.search({ seen: false })).length, 12);
}

async function changes(client) {
    assert.equal(await client.messageFlagsAdd('2:4', ['\\Flagged', '$Todo'], { uid: true }), true);
    const two = await client.fetchOne('2', { flags: true }, { uid: true });
    assert.ok(two.flags.has('$Todo') && two.flags.has('\\Flagged'));
    assert.equal(await client.messageFlagsRemove({ keyword: '$Todo' }, ['\\Flagged'], { uid: true }), true);
    assert.deepEqual(await client.search({ keyword: '$Todo', flagged: true }), []);
    await client.mailboxCreate(['Keep', 'Größe']);
    const copied = await client.messageCopy('1:2', 'Keep/Größe', { uid: true });
    assert.deepEqual([...copied.uidMap.entries()], [[1, 1], [2, 2]]);
    const moved = await client.messageMove('11', 'Keep/Größe', { uid: true });
    assert.deepEqual([...moved.uidMap.entries()], [[11, 3]]);
    assert.equal(await client.messageDelete('12', { uid: true }), true);
    assert.deepEqual(await numbers(client), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    const appended = await client.append('Keep/Größe', 'Message-ID: <m40@x>\r\n\r\nhi\r\n', ['\\Seen'], new Date(0));
    assert.equal(appended.uid, 4);
    const status = await client.status('Keep/Größe', { messages: true, unseen: true, uidNext: true, highestModseq: true });
    assert.equal(status.messages, 4);
    assert.equal(status.unseen, 3);
    assert.equal(status.uidNext, 5);
}

async function mailboxes(client) {
    const names = (await client.list()).map(one => one.path);
    assert.ok(names.includes('INBOX') && names.includes('Keep/Größe'), names.join());
    assert.equal((await client.list()).find(one => one.specialUse === '\\Sent').path, 'Sent');
    await client.mailboxRename('Keep/Größe', 'Keep/kleiner');
    await client.mailboxUnsubscribe('Keep/kleiner');
    await client.mailboxOpen('Keep/kleiner');
    assert.deepEqual(await numbers(client), [1, 2, 11, 40]);
    await client.mailboxOpen('INBOX');
    await client.mailboxDelete('Keep/kleiner');
    assert.ok(!(await client.list()).some(one => one.path === 'Keep/kleiner'));
}

// Two connections: what one does the other is told while it idles.
async function watches(client) {
    const other = open();
    await other.connect();
    const lock = await other.getMailboxLock('INBOX');
    const told = Promise.all([
        new Promise(resolve => client.once('exists', resolve)),
        new Promise(resolve => client.once('expunge', resolve)),
        new Promise(resolve => client.once('flags', resolve))
    ]);
    const idling = client.idle();
    await other.append('INBOX', 'Message-ID: <m50@x>\r\n\r\nhi\r\n');
    await other.messageFlagsAdd('3', ['\\Answered'], { uid: true });
    await other.messageDelete('1', { uid: true });
    await told;
    await client.noop();
    await idling;
    lock.release();
    await other.logout();
    assert.deepEqual(await numbers(client), [2, 3, 4, 5, 6, 7, 8, 9, 10, 50]);
}

const client = open();
await client.connect();
const lock = await client.getMailboxLock('INBOX');
try {
    await reads(client);
    await searches(client);
    await changes(client);
    await mailboxes(client);
    await watches(client);
    if (client.capabilities.has('COMPRESS=DEFLATE')) assert.equal(client._deflate !== undefined || client.isCompressed !== false, true);
} finally {
    lock.release();
}
await client.logout();
