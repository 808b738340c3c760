// Addresses of the page. Those that stock clients and the documentation print (/app/ORG/WORKSPACE/runs/RUN) are first;
// /app/ORG/workspaces/WORKSPACE/... means the same.

import { signal } from '@preact/signals';

export type Route =
  | { page: 'organizations' }
  | { page: 'workspaces'; organization: string }
  | { page: 'organization-settings'; organization: string; section: string }
  | { page: 'workspace'; organization: string; workspace: string; section: string }
  | { page: 'run'; organization: string; workspace: string; run: string }
  | { page: 'account'; section: string }
  | { page: 'organization-variables' }
  | { page: 'sign-in' }
  | { page: 'nowhere' };

const workspaceSections = ['runs', 'variables', 'states', 'settings'];

function inWorkspace(organization: string, workspace: string, rest: string[]): Route {
  const [section = 'runs', item, ...more] = rest;
  if (more.length > 0 || !workspaceSections.includes(section)) return { page: 'nowhere' };
  if (section === 'runs' && item) return { page: 'run', organization, workspace, run: item };
  return item ? { page: 'nowhere' } : { page: 'workspace', organization, workspace, section };
}

export function match(pathname: string): Route {
  let parts: string[];
  try {
    parts = pathname.split('/').filter((part) => part !== '').map(decodeURIComponent);
  } catch {
    return { page: 'nowhere' };
  }
  const [first, organization, second, ...rest] = parts;
  if (first === 'login') return { page: 'sign-in' };
  if (first === 'settings') return organization === 'organization_variables' ? { page: 'organization-variables' } : { page: 'nowhere' };
  if (first !== undefined && first !== 'app') return { page: 'nowhere' };
  if (organization === undefined) return { page: 'organizations' };
  if (organization === 'settings') return rest.length > 0 ? { page: 'nowhere' } : { page: 'account', section: second ?? 'profile' };
  if (second === undefined || (second === 'workspaces' && rest.length === 0)) return { page: 'workspaces', organization };
  if (second === 'settings' && rest.length <= 1) return { page: 'organization-settings', organization, section: rest[0] ?? 'general' };
  if (second === 'workspaces') return inWorkspace(organization, rest[0] ?? '', rest.slice(1));
  return inWorkspace(organization, second, rest);
}

export const pathname = signal(typeof location === 'undefined' ? '/' : location.pathname);

export function go(to: string, replace = false): void {
  if (replace) history.replaceState(null, '', to);
  else history.pushState(null, '', to);
  pathname.value = location.pathname;
  if (!replace) scrollTo(0, 0);
}

// Links of the page do not load it anew.
export function followLinks(): void {
  addEventListener('popstate', () => (pathname.value = location.pathname));
  document.addEventListener('click', (event) => {
    if (event.defaultPrevented || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    const anchor = (event.target as Element | null)?.closest?.('a');
    if (!anchor || anchor.target || anchor.hasAttribute('download') || anchor.origin !== location.origin) return;
    if (!/^\/(app|settings|login|$)/.test(anchor.pathname)) return;
    event.preventDefault();
    if (anchor.pathname === location.pathname && anchor.hash) {
      location.hash = anchor.hash;
      return;
    }
    go(anchor.pathname + anchor.search + anchor.hash);
  });
}

export const address = {
  organization: (organization: string) => `/app/${encodeURIComponent(organization)}`,
  workspace: (organization: string, workspace: string, section = '') =>
    `/app/${encodeURIComponent(organization)}/${encodeURIComponent(workspace)}${section ? `/${section}` : ''}`,
  run: (organization: string, workspace: string, run: string) => `${address.workspace(organization, workspace, 'runs')}/${encodeURIComponent(run)}`,
};
