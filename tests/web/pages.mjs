// The administrators' pages in a real Chromium: each in light, dark and narrow, with axe-core; the forms by keyboard and
// mouse; and without a script. Pictures go to the folder SHOTS, for people to look at.
//
// The environment: URL, ACCOUNT, PASSWORD (an administrator), OTHER (an account with mail), MODULES, CHROMIUM, SHOTS.

import assert from "node:assert/strict";
import { readFileSync, mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const { URL: base, ACCOUNT, PASSWORD, OTHER, MODULES, CHROMIUM, SHOTS } = process.env;
const require = createRequire(join(MODULES, "package.json"));
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const account = `/accounts/${encodeURIComponent(OTHER)}`;
const PAGES = { overview: "/", accounts: "/accounts", account, public: "/public", activity: "/activity", settings: "/settings" };
const LOOKS = {
  light: { colorScheme: "light", viewport: { width: 1280, height: 900 } },
  dark: { colorScheme: "dark", viewport: { width: 1280, height: 900 } },
  narrow: { colorScheme: "light", viewport: { width: 360, height: 740 } },
};

mkdirSync(SHOTS, { recursive: true });
const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] });
try {
  for (const [look, options] of Object.entries(LOOKS)) await everyPage(look, options);
  await work();
  await withoutScript();
} finally {
  await browser.close();
}
console.log("pages: all good");

async function everyPage(look, options) {
  const context = await browser.newContext({ ...options, bypassCSP: false });
  const page = await context.newPage();
  const complaints = listen(page);
  await page.goto(base + "/accounts");
  assert.match(page.url(), /\/login\?next=/, "a stranger is led to the login");
  await examine(page, "login", look);
  await logIn(page);
  assert.ok(page.url().endsWith("/accounts"), "the login leads back");
  for (const [name, path] of Object.entries(PAGES)) {
    await page.goto(base + path);
    await examine(page, name, look);
  }
  assert.deepEqual(complaints, [], `${look}: the browser complains`);
  await context.close();
}

// What the console says, refused styles and scripts above all, and what was not found.
function listen(page) {
  const complaints = [];
  page.on("console", (message) => { if (message.type() === "error") complaints.push(message.text()); });
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("requestfailed", (request) => {
    if (request.failure()?.errorText !== "net::ERR_ABORTED") complaints.push(`${request.url()} failed`);
  });
  return complaints;
}

async function logIn(page) {
  await page.getByLabel("Account").fill(ACCOUNT);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.keyboard.press("Enter");
  await page.waitForURL((url) => !url.pathname.startsWith("/login"));
}

async function examine(page, name, look) {
  await page.screenshot({ path: join(SHOTS, `${name}-${look}.png`), fullPage: true });
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.equal(wide, 0, `${name}, ${look}: the page is wider than the screen`);
  // axe runs in the page's own context, which the page's policy does not forbid to the browser's driver.
  await page.evaluate(axe);
  const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  const serious = found.violations.filter((one) => ["serious", "critical"].includes(one.impact));
  const told = serious.map((one) => `${one.id}: ${one.help}: ${one.nodes.map((node) => node.html).join(" | ")}`);
  assert.deepEqual(told, [], `${name}, ${look}`);
}

// What an administrator does, to the end of each form.
async function work() {
  const context = await browser.newContext(LOOKS.light);
  const page = await context.newPage();
  await page.goto(base + "/login");
  await page.getByLabel("Account").fill(ACCOUNT);
  await page.getByLabel("Password").fill("wrong");
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByRole("alert").getByText("wrong").waitFor();
  await page.getByLabel("Password").fill(PASSWORD);
  await page.keyboard.press("Enter");
  await page.waitForURL(base + "/");

  const cookie = (await context.cookies()).find((one) => one.name.includes("restante"));
  assert.ok(cookie.httpOnly && cookie.sameSite === "Strict", "the cookie is not for scripts or other sites");

  // The keyboard alone reaches the content and the pages.
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "To the content");

  await page.goto(base + "/accounts");
  await page.getByLabel("Name", { exact: true }).fill("../../etc");
  await page.getByRole("button", { name: "Make the account" }).click();
  await page.locator("#wrong-name").getByText("must not contain").waitFor();
  assert.equal(await page.getByLabel("Name", { exact: true }).getAttribute("aria-describedby"), "wrong-name");
  assert.equal(await page.getByLabel("Name", { exact: true }).inputValue(), "../../etc");
  await page.getByLabel("Name", { exact: true }).fill("new@example.test");
  await page.getByRole("button", { name: "Make the account" }).click();
  await page.getByRole("status").getByText("Account new@example.test is made.").waitFor();

  await page.getByLabel("use POP3").uncheck();
  await page.getByLabel("Limit of size").fill("much");
  await page.getByRole("button", { name: "Set", exact: true }).click();
  await page.locator("#wrong-bytes").waitFor();
  assert.equal(await page.getByLabel("use POP3").isChecked(), false, "what was sent stays in the form");
  await page.getByLabel("Limit of size").fill("5 GiB");
  await page.getByRole("button", { name: "Set", exact: true }).click();
  await page.getByRole("status").getByText("are set").waitFor();
  assert.equal(await page.getByLabel("Limit of size").inputValue(), "5 GiB");
  assert.equal(await page.getByLabel("use POP3").isChecked(), false);

  await page.getByLabel("What it is for").fill("phone");
  await page.getByRole("button", { name: "Make it" }).click();
  assert.match(await page.locator(".secret").textContent(), /^([a-z2-9]{6}-){3}[a-z2-9]{6}$/);
  await page.getByRole("button", { name: "Remove app password phone" }).click();
  await page.getByRole("status").getByText("is removed").waitFor();

  await page.getByLabel("The account's name, to be sure").fill("other");
  await page.getByRole("button", { name: "Delete for ever" }).click();
  await page.locator("#wrong-delete").waitFor();
  await page.getByLabel("The account's name, to be sure").fill("new@example.test");
  await page.getByRole("button", { name: "Delete for ever" }).click();
  await page.waitForURL(base + "/accounts");

  // A login elsewhere shows in what happens now, without loading the page again.
  await page.goto(base + "/activity");
  await page.getByText("Watching.").waitFor();
  const refused = await fetch(base + "/api/v1/status", { headers: { Authorization: "Basic " + btoa("nobody:x") } });
  assert.equal(refused.status, 401);
  await page.locator("#events").getByText("login refused").waitFor();

  // A form without the session's token changes nothing.
  const status = await page.evaluate(async () => {
    const body = new URLSearchParams({ name: "evil@example.test" });
    return (await fetch("/accounts", { method: "POST", body })).status;
  });
  assert.equal(status, 403);

  const stolen = await context.cookies();
  await page.getByRole("button", { name: "Log out" }).click();
  await page.waitForURL(base + "/login");
  await context.addCookies(stolen);
  await page.goto(base + "/");
  assert.match(page.url(), /\/login/, "a session that has ended opens nothing");
  await context.close();
}

async function withoutScript() {
  const context = await browser.newContext({ ...LOOKS.light, javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(base + "/login");
  await logIn(page);
  for (const [name, path] of Object.entries(PAGES)) {
    const answer = await page.goto(base + path);
    assert.equal(answer.status(), 200, name);
    assert.ok((await page.locator("h1").textContent()).length > 0, name);
  }
  await context.close();
}
