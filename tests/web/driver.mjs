// A browser that does what it is told: requests as JSON lines on standard input, one answer a line on standard output.
// For tests/web/browser.py. Everything the page asks for, says or breaks is kept and can be asked for.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

const require = createRequire(new URL('../../web/package.json', import.meta.url));
const { chromium } = require('playwright-core');
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

const { executable, profile, base, options } = JSON.parse(process.argv[2]);
const flags = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

const context = await chromium.launchPersistentContext(profile, { executablePath: executable, headless: true, args: flags, ignoreHTTPSErrors: true, baseURL: base, ...options });
const seen = { requests: [], errors: [], dialogs: 0, statuses: [] };
let page;

function watch(opened) {
  opened.on('console', (message) => {
    // What a server answers with is no fault of the page.
    if (message.type() === 'error' && !/Failed to load resource/.test(message.text())) seen.errors.push(message.text());
  });
  opened.on('pageerror', (error) => seen.errors.push(String(error)));
  opened.on('dialog', (dialog) => {
    seen.dialogs++;
    void dialog.dismiss();
  });
}
context.on('request', (request) => seen.requests.push(`${request.method()} ${request.url()}`));
context.on('response', (response) => seen.statuses.push([response.status(), response.url()]));
context.on('page', watch);
await context.addInitScript(() => {
  window.violations = [];
  document.addEventListener('securitypolicyviolation', (event) => window.violations.push(`${event.violatedDirective} ${event.blockedURI}`));
});
page = context.pages()[0] ?? (await context.newPage());
watch(page);
page.setDefaultTimeout(180_000);

const find = ({ role, name, exact, label, text, css, nth }) => {
  let found;
  if (role) found = page.getByRole(role, { name, exact: exact ?? false });
  else if (label) found = page.getByLabel(label, { exact: exact ?? false });
  else if (css) found = page.locator(css);
  else found = page.getByText(text, { exact: exact ?? false });
  return nth === undefined ? found : found.nth(nth);
};

const operations = {
  goto: async ({ path }) => void (await page.goto(path)),
  reload: async () => void (await page.reload()),
  click: async ({ target }) => void (await find(target).click()),
  fill: async ({ target, value }) => void (await find(target).fill(value)),
  choose: async ({ target, value }) => void (await find(target).selectOption(value)),
  check: async ({ target }) => void (await find(target).check()),
  upload: async ({ target, file }) => void (await find(target).setInputFiles(file)),
  press: async ({ keys }) => {
    for (const key of keys) await page.keyboard.press(key);
  },
  type: async ({ text }) => void (await page.keyboard.type(text)),
  see: async ({ target, seconds }) => void (await find(target).first().waitFor({ state: 'visible', timeout: seconds * 1000 })),
  gone: async ({ target, seconds }) => void (await find(target).first().waitFor({ state: 'hidden', timeout: seconds * 1000 })),
  count: async ({ target }) => find(target).count(),
  text: async ({ target }) => find(target).first().innerText(),
  value: async ({ target }) => find(target).first().inputValue(),
  attribute: async ({ target, name }) => find(target).first().getAttribute(name),
  evaluate: async ({ script }) => page.evaluate(script),
  title: async () => page.title(),
  address: async () => page.url(),
  shot: async ({ path, full }) => void (await page.screenshot({ path, fullPage: full, animations: 'disabled' })),
  viewport: async ({ width, height }) => void (await page.setViewportSize({ width, height })),
  media: async ({ media }) => void (await page.emulateMedia(media)),
  offline: async ({ offline }) => void (await context.setOffline(offline)),
  newPage: async () => {
    page = await context.newPage();
    page.setDefaultTimeout(180_000);
    return context.pages().length - 1;
  },
  use: async ({ index }) => {
    page = context.pages()[index];
    await page.bringToFront();
  },
  cookies: async () => context.cookies(),
  forgetCookies: async () => void (await context.clearCookies()),
  // Of every page from now on, before its own scripts.
  first: async ({ script }) => void (await context.addInitScript(script)),
  // Answers of the server that a test replaces, those to one method, so many of them: by a fixed document, or by a change
  // of attributes of the real one.
  route: async ({ pattern, status, body, attributes, method, times }) => {
    let left = times ?? Infinity;
    await context.route(new RegExp(pattern), async (route) => {
      if (left <= 0 || (method && route.request().method() !== method)) return route.fallback();
      left--;
      if (attributes) {
        const response = await route.fetch();
        const document = await response.json();
        for (const one of [document.data].flat()) Object.assign(one.attributes, attributes);
        return route.fulfill({ response, json: document });
      }
      return route.fulfill({ status, contentType: 'application/json', body });
    });
  },
  unroute: async ({ pattern }) => void (await context.unroute(new RegExp(pattern))),
  // A time of the page's own, which a test moves: what is to happen in ten minutes happens now.
  clock: async () => void (await page.clock.install()),
  later: async ({ seconds }) => void (await page.clock.fastForward(seconds * 1000)),
  axe: async () => {
    if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(axe);
    const found = await page.evaluate(async () => {
      const result = await window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] });
      return result.violations.map((one) => `${one.id}: ${one.help}: ${one.nodes.slice(0, 4).map((node) => `${node.html.slice(0, 200)} ${node.any[0]?.message ?? ''}`).join(' | ')}`);
    });
    return found;
  },
  seen: async () => ({ ...seen, violations: await page.evaluate(() => window.violations ?? []) }),
  forget: async () => {
    seen.requests.length = seen.errors.length = seen.statuses.length = 0;
    seen.dialogs = 0;
  },
};

process.stdout.write('{"ready":true}\n');
for await (const line of createInterface({ input: process.stdin })) {
  const { operation, ...rest } = JSON.parse(line);
  let answer;
  try {
    answer = { value: (await operations[operation](rest)) ?? null };
  } catch (error) {
    answer = { error: String(error).slice(0, 2000) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
await context.close();
