// What surrounds every page: head, who is signed in, whether the server is there, help for the keyboard.

import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import { reachable, session, signOut } from '../api/client';
import { streaming } from '../api/live';
import type { Run } from '../api/types';
import { address, go } from '../router';
import { Dialog, Foreign } from './basics';
import { PasswordAgain } from './again';
import { Logo } from './logo';
import { waitingRuns, watch } from './notify';
import { applyTheme, nextTheme, theme, themeWords } from './theme';

export function Layout({ organization, workspace, children }: { organization: string | null; workspace: string | null; children: ComponentChildren }) {
  const help = useSignal(false);
  useKeys(organization, workspace, () => (help.value = true));
  return (
    <>
      <a class="skip" href="#main">
        To the content
      </a>
      <header class="top">
        <a class="home" href="/app" aria-label="tollgate, organizations">
          <Logo />
        </a>
        {organization && (
          <nav aria-label="Organization" class="top-nav">
            <a href={address.organization(organization)}>
              <Foreign text={organization} />
            </a>
            <a href={`${address.organization(organization)}/settings`}>Settings</a>
          </nav>
        )}
        <span class="spacer" />
        <Waiting organization={organization} />
        <button type="button" class="bare" onClick={() => (help.value = true)} aria-label="Keyboard help" title="Keyboard help (?)">
          ?
        </button>
        <button type="button" class="bare" onClick={() => applyTheme(nextTheme(theme.value))} title="Light, dark, or as the system is">
          {themeWords[theme.value]}
        </button>
        <a class="who" href="/app/settings/profile">
          <Foreign text={session.value?.username} />
          <span class="unseen"> (my settings)</span>
        </a>
        <button type="button" class="bare" onClick={() => void signOut()}>
          Sign out
        </button>
      </header>
      <div class="net" role="status">
        {!reachable.value ? 'The server cannot be reached. What you see may be old; this goes on by itself.' : !streaming.value ? <Late /> : null}
      </div>
      <main id="main" tabIndex={-1}>
        {children}
      </main>
      <PasswordAgain />
      {help.value && <KeyHelp close={() => (help.value = false)} />}
    </>
  );
}

// How many runs stand still until this person does something. The first of them is one click away.
function Waiting({ organization }: { organization: string | null }) {
  useEffect(() => {
    if (!organization) return undefined;
    localStorage.setItem('tollgate-organization', organization);
    return watch(organization, (run) => go(runAddress(organization, run) + '?focus=code'));
  }, [organization]);
  const first = waitingRuns.value[0];
  if (!organization || !first) return null;
  const count = waitingRuns.value.length;
  return (
    <a class="waiting-badge" href={runAddress(organization, first)}>
      {count} {count === 1 ? 'waits' : 'wait'} for you
    </a>
  );
}

// The page of a run finds its workspace by itself.
function runAddress(organization: string, run: Run): string {
  return address.run(organization, run.relationships?.workspace?.data?.id ?? 'workspace', run.id);
}

// Not said at once: each page begins without a stream.
function Late() {
  const late = useSignal(false);
  useEffect(() => {
    const timer = setTimeout(() => (late.value = true), 5000);
    return () => clearTimeout(timer);
  }, []);
  return late.value ? <>No live connection; reading anew every few seconds.</> : null;
}

const keys: [string, string][] = [
  ['?', 'This help'],
  ['g o', 'Organizations'],
  ['g w', 'Workspaces of the organization'],
  ['g r', 'Runs of the workspace'],
  ['/', 'Search'],
  ['j, k', 'Next and previous row'],
  ['m', 'To the code field'],
  ['Esc', 'Leave a field or a dialog'],
];

function KeyHelp({ close }: { close: () => void }) {
  return (
    <Dialog title="Keyboard" close={close}>
      <dl class="keys">
        {keys.map(([key, words]) => (
          <div key={key}>
            <dt>
              {key.split(' ').map((part) => (
                <kbd key={part}>{part}</kbd>
              ))}
            </dt>
            <dd>{words}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}

function moveInList(by: number): boolean {
  const rows = [...document.querySelectorAll<HTMLElement>('[data-list] > li a.list-main')];
  if (rows.length === 0) return false;
  const at = rows.indexOf(document.activeElement as HTMLElement);
  rows[Math.max(0, Math.min(rows.length - 1, at + by))]?.focus();
  return true;
}

function useKeys(organization: string | null, workspace: string | null, help: () => void): void {
  useEffect(() => {
    let afterG = 0;
    const places: Record<string, string | null> = {
      o: '/app',
      w: organization && address.organization(organization),
      r: organization && workspace && address.workspace(organization, workspace, 'runs'),
    };
    const pressed = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
      if (event.key === 'Escape' && typing) target.blur();
      if (typing || event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]')) return;
      const place = Date.now() - afterG < 1500 ? places[event.key] : undefined;
      afterG = 0;
      let done = true;
      if (place) go(place);
      else if (event.key === 'g') afterG = Date.now();
      else if (event.key === '?') help();
      else if (event.key === '/') document.querySelector<HTMLElement>('[data-search], input[type=search]')?.focus();
      else if (event.key === 'm') document.querySelector<HTMLElement>('input.code')?.focus();
      else if (event.key === 'j' || event.key === 'k') done = moveInList(event.key === 'j' ? 1 : -1);
      else done = false;
      if (done) event.preventDefault();
    };
    document.addEventListener('keydown', pressed);
    return () => document.removeEventListener('keydown', pressed);
  }, [organization, workspace]);
}
