// Many reasons to do one thing: while it is being done, what comes meanwhile makes it be done once more afterwards, and
// never twice at the same time.

export function coalesced(task: () => Promise<void>, over: () => boolean): () => void {
  let busy = false;
  let again = false;
  const run = async () => {
    busy = true;
    do {
      again = false;
      await task();
    } while (again && !over());
    busy = false;
  };
  return () => {
    if (busy) again = true;
    else void run();
  };
}
