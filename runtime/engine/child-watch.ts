// Tells a child that is slow from one that hangs: llama.cpp may decode one batch for minutes on a small
// board, on threads of its own, but the event loop beside it answers within milliseconds.
// Looks only where something was to be stopped: nobody waits for a child that has nothing to do.

/**
 * The longest that the event loop is at something else is a second: reading back tokens, or making
 * some ten thousand of a text.
 */
export const REACT_MS = 5000;

export type ChildWatch = ReturnType<typeof watchChild>;

/** `ask` has the child call `alive`; `onHang` is called once, where it has not. */
export function watchChild({ ask, onHang }: { ask: () => void; onHang: () => void }) {
  let timer: NodeJS.Timeout | undefined;
  return {
    /** Something was to be stopped: see whether the child hears. */
    look(): void {
      if (timer) return;
      timer = setTimeout(onHang, REACT_MS);
      ask();
    },
    alive(): void {
      clearTimeout(timer);
      timer = undefined;
    },
  };
}
