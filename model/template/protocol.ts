// What a template's process is told, and what it answers: plain data, one answer a job.
// The memory and the recursion that a template may take are bounded by how the process is started.
export type TemplateJob =
  | { kind: 'parse'; source: string }
  /** Of the source parsed last. */
  | { kind: 'render'; variables: Record<string, unknown>; maxChars: number };

/** Who sent it ends the process before `timeoutMs`; the process gives up by itself if that one is gone. */
export type TemplateOrder = { job: TemplateJob; timeoutMs: number };

export type TemplateAnswer =
  /** Sent once, when the process can take jobs. */
  | { kind: 'started' }
  /** Empty for a `parse`. */
  | { kind: 'done'; text: string }
  /** The template's own words, or its parser's. */
  | { kind: 'refused'; message: string }
  | { kind: 'over-budget'; message: string };
