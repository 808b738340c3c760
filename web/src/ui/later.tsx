// A page whose code comes when it is first opened, so that the run page need not carry it.

import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';

export function later<P extends object>(load: () => Promise<ComponentType<P>>): ComponentType<P> {
  let ready: ComponentType<P> | null = null;
  return function Later(props: P) {
    const [, setReady] = useState(ready !== null);
    const [failed, setFailed] = useState(false);
    useEffect(() => {
      if (ready) return;
      load().then(
        (component) => {
          ready = component;
          setReady(true);
        },
        () => setFailed(true),
      );
    }, []);
    if (ready) {
      const Ready = ready;
      return <Ready {...props} />;
    }
    if (!failed) return <p role="status">Loading</p>;
    // The server has a newer page than this one.
    return (
      <p role="alert">
        This part of the page cannot be loaded. <a href={location.pathname}>Load the page anew</a>.
      </p>
    );
  };
}
