// Every word of the pages, in English; ja.ts has the same in Japanese, and a test holds them together.
// Words with figures in them are functions. Sizes, speeds and times come in as they are shown.
// Nothing is decided here, and no word stands anywhere else.

export const en = {
  locale: 'en-GB',
  /** Of the language itself, in the language. */
  language: 'English',

  common: {
    cancel: 'Cancel',
    tryAgain: 'Try again',
    details: 'Details',
    theme: {
      auto: 'Theme: as this device',
      light: 'Theme: light',
      dark: 'Theme: dark',
    },
    languageButton: (name: string) => `Language: ${name}`,
    copied: 'Copied',
    notCopied: 'Not copied',
    minutes: (minutes: number, seconds: number) => `${minutes} min ${seconds} s`,
    seconds: (seconds: string) => `${seconds} s`,
  },

  page: {
    skip: 'Skip to the message field',
    conversations: 'Conversations',
    conversation: 'Conversation',
    closeList: 'Close the list',
    newConversation: 'New conversation',
    search: 'Search conversations',
    kept: 'Conversations stay in this browser.',
    import: 'Open a file',
    dashboard: 'Dashboard',
    settings: 'Settings',
    latestAnswer: 'Latest answer',
    toEnd: 'Go to the end',
    message: 'Message',
    ask: 'Ask anything',
    attach: 'Add files',
    hint: '`Enter` sends, `Shift` `Enter` starts a line, `Esc` stops. Answers can be wrong.',
  },

  status: {
    connecting: 'Connecting',
    ready: 'Ready',
    loading: (part: string) => (part === '' ? 'Loading' : `Loading ${part}`),
    failed: 'Model failed',
    unreachable: 'Not reachable',
  },

  models: {
    choose: 'Model',
    loaded: (name: string) => `${name} (loaded)`,
  },

  greeting: {
    morning: 'Good morning.',
    afternoon: 'Good afternoon.',
    evening: 'Good evening.',
    invitation: 'Ask anything. It stays in this house.',
    suggestions: [
      'Explain how a heat pump works, in three sentences',
      'Plan five simple dinners and a shopping list',
      'Write a friendly note to a neighbour about a parcel',
      'What is the difference between weather and climate?',
    ],
    missing:
      'The conversation of this address is not in this browser. Conversations stay in the browser in which they were held; one that was saved as a file can be opened from the list.',
  },

  composer: {
    send: 'Send',
    sendTitle: 'Send (Enter)',
    stop: 'Stop the answer',
    stopTitle: 'Stop (Esc)',
    reading: (name: string) => `Reading ${name}`,
    remove: (name: string) => `Remove ${name}`,
  },

  attachments: {
    tooMany: (most: number) => `No more than ${most} files go with one question.`,
    empty: (name: string) => `${name} is empty.`,
    tooLarge: (name: string, size: string, most: string) =>
      `${name} has ${size}; files up to ${most} can be read.`,
    binary: (name: string) =>
      `${name} holds no text. Text, Markdown, program code and PDFs can be read; pictures and Office files cannot.`,
    notPdf: (name: string) => `${name} is named as a PDF, but holds something else.`,
    isPdf: (name: string) => `${name} holds a PDF under another name. Rename it to .pdf to add it.`,
    locked: (name: string) => `${name} is locked with a password. Save it without one to add it.`,
    noText: (name: string) =>
      `${name} has no text that could be read; it is made of pictures, perhaps scanned.`,
    broken: (name: string) => `${name} is damaged, or not a real PDF.`,
    tooLong: (name: string, seconds: number) =>
      `${name} was not read: it took more than ${seconds} seconds.`,
    tooMuch: (name: string, letters: string) =>
      `${name} holds more than ${letters} letters of text, which is more than a model here can take in.`,
    unreadable: (name: string) => `${name} could not be read from this device.`,
  },

  turn: {
    you: 'You',
    answer: 'Answer',
    edit: 'Edit',
    editLabel: 'Your question',
    editAction: 'Ask this instead',
    copy: 'Copy',
    copyCode: 'Copy code',
    table: 'Table',
    formula: 'Formula',
    continue: 'Continue',
    showAll: 'Show all',
    showLess: 'Show less',
    branches: 'Other versions',
    before: 'Earlier version',
    after: 'Later version',
    branch: (at: number, count: number) => `${at} of ${count}`,
    thinking: 'Thinking',
    loadingModel: 'Loading the model',
    warmingUp: (part: string) =>
      part === '' ? 'hearth is warming up' : `hearth is warming up · ${part}`,
    stopped: 'Stopped.',
    reachedLength: 'The answer reached its longest allowed length.',
    complete: 'The answer is complete.',
    wasStopped: 'The answer was stopped.',
  },

  failures: {
    unreachable: [
      'hearth does not answer',
      'Check that the device is switched on and in the same network, then try again.',
    ],
    'no-key': ['hearth is locked', 'Try again to enter its API key.'],
    loading: ['The model is not ready', 'It is being loaded; try again in a moment.'],
    'no-model': [
      'This model cannot be loaded',
      'Choose another one at the top, where there is one. Details say what is wrong.',
    ],
    busy: ['hearth is busy with other answers', 'Wait a few seconds, then try again.'],
    overflow: [
      'This conversation is too long for the model',
      'Start a new conversation, or ask something shorter, with fewer or shorter files.',
    ],
    refused: ['hearth did not accept this', 'Check the settings, then try again.'],
    broken: [
      'The answer broke off',
      'hearth starts the model again by itself. Try again in a moment.',
    ],
  },

  figures: {
    all: 'All figures of this answer',
    ttft: (time: string) => `TTFT ${time}`,
    context: (used: string) => `context ${used}`,
    of: (used: string, all: string) => `${used} of ${all}`,
    tokens: (count: string) => `${count} tokens`,
    model: 'Model',
    question: 'Question',
    cached: 'of these already known',
    answer: 'Answer',
    queue: 'Waiting for a free place',
    reading: 'Reading the question',
    writing: 'Writing the answer',
    memory: 'Memory, highest',
    gpuMemory: 'GPU memory, highest',
    ofPage: 'Measured in this browser, as the answer did not come to its end.',
    dropped: (turns: number, tokens: string) =>
      `${turns === 1 ? 'The oldest turn' : `The ${turns} oldest turns`} (${tokens} tokens) no longer fit in the context; the model answered without them.`,
  },

  list: {
    untitled: 'New conversation',
    actions: (title: string) => `Actions for ${title}`,
    rename: 'Rename',
    renameTitle: 'Rename the conversation',
    name: 'Name',
    saveMarkdown: 'Save as Markdown',
    saveJson: 'Save as JSON',
    saveAll: 'Save all conversations',
    delete: 'Delete',
    deleteTitle: 'Delete this conversation?',
    deleteWords: (title: string) => `“${title}” will be gone from this browser for good.`,
    answering: 'still answering',
    nothingFound: 'No conversation has these words.',
    found: (count: number) =>
      count === 1 ? 'One conversation found' : `${count} conversations found`,
    fileName: 'conversation',
    allFileName: 'conversations',
  },

  import: {
    failed: 'This file was not opened',
    close: 'Close',
    tooLarge: (size: string, most: string) => `It has ${size}; files up to ${most} are opened.`,
    notJson:
      'It is not JSON. A conversation that was saved with “Save as JSON” can be opened; one saved as Markdown is for reading only.',
    otherProgram: (program: string) =>
      `It is ${program === '' ? 'from another program' : `from ${program}`}. Only what this page saved with “Save as JSON” can be opened.`,
    newer: (version: number) =>
      `It is from a newer hearth (format ${version}). Update the hearth of this page, then open the file again.`,
    damaged: (where: string) =>
      `It is damaged: the field “${where}” is missing or wrong. Save the conversation anew, if you still have it.`,
    nothing: 'There is no conversation in it.',
    nothingLost: 'Nothing was changed here.',
    done: (count: number) =>
      count === 1 ? 'One conversation was opened.' : `${count} conversations were opened.`,
  },

  settings: {
    title: 'Settings',
    save: 'Save',
    system: 'System prompt',
    systemHint: 'What the model should always keep in mind.',
    systemExample: 'You are a helpful assistant. Answer briefly.',
    sampling: 'Sampling',
    auto: (value: string) => (value === '' ? 'auto' : `auto: ${value}`),
    untilFull: 'until the context is full',
    random: 'another each time',
    empty: 'An empty field leaves the choice to hearth.',
    forgetKey: 'Forget the API key',
    keyForgotten: 'The API key is forgotten.',
    fields: {
      temperature: ['Temperature', '0 is exact and repeatable, 1 is lively'],
      max_tokens: ['Longest answer', 'in tokens; one is about ¾ of a word'],
      top_p: ['Top p', 'choose among the likeliest words that make up this part'],
      top_k: ['Top k', 'choose among this many words; 0 for all'],
      min_p: ['Min p', 'leave out words less likely than this part of the best'],
      repeat_penalty: ['Repeat penalty', '1 is none; above, words repeat less'],
      seed: ['Seed', 'the same seed gives the same answer'],
    },
  },

  key: {
    title: 'This hearth is locked',
    unlock: 'Unlock',
    label: 'API key',
    remember: 'Remember the key on this device',
    hint: 'Enter the API key that hearth was started with. It stays in this browser.',
    refused: 'The server did not accept that key. Check it and try again.',
  },

  setup: {
    title: 'Set up this device',
    intro: 'You do this once, from the network of the house. The device then starts again with it.',
    hostname: 'Name of the device',
    hostnameHint:
      'Letters, digits and hyphens. It is then found as this name with .local behind it.',
    timezone: 'Time zone',
    key: 'API key',
    keyHint:
      'Everyone who asks the device something needs it. Without one, everyone in the network may ask.',
    wifi: 'Wi-Fi',
    wifiHint: 'Leave it empty where the device has a cable.',
    ssid: 'Name of the network',
    passphrase: 'Passphrase',
    passphraseHint: 'Leave it empty for an open network.',
    action: 'Set up',
    done: 'This device is set up and starts again now, which takes a minute or two. It is then at:',
    keepKey: 'Its API key, which is not shown again:',
    failures: {
      hostname: 'The name may have up to 63 letters, digits and hyphens, such as kitchen-2.',
      timezone: 'The device does not know this time zone.',
      api_key: 'The key needs 8 to 128 letters, digits or signs, without spaces.',
      'wifi.ssid':
        'The name of a network has up to 32 bytes; letters such as ä or é have more than one.',
      'wifi.passphrase':
        'The passphrase of a network has 8 to 63 letters, digits or signs, or is a key of 64 hexadecimal digits.',
      already_set_up:
        'Somebody has set up this device already. It starts again, and its screen then shows its address.',
      not_local: 'A device is set up from its own network. Open the address that its screen shows.',
    },
  },

  dashboard: {
    title: 'Dashboard',
    skip: 'Skip to the figures',
    back: 'hearth, back to the chat',
    chat: 'Chat',
    filters: 'What is shown',
    time: 'Time',
    ranges: {
      '1h': 'Last hour',
      '24h': 'Last 24 hours',
      '7d': 'Last 7 days',
      '30d': 'Last 30 days',
      '90d': 'Last 90 days',
      '365d': 'Last year',
    },
    model: 'Model',
    allModels: 'All models',
    automatic: 'Automatic',
    refresh: 'Refresh',
    now: 'Now',
    emptyTitle: 'No answers in this time',
    emptyWords: 'Every answer is measured and shown here. Ask something, or choose a longer time.',
    unreachable: 'hearth does not answer; what is shown is from before.',
    locked: 'hearth is locked. Refresh to enter its API key.',
    noLog: 'hearth keeps no log here, so there is nothing to show: it was started with --no-log.',
    failed: 'The figures could not be read.',
  },

  charts: {
    asTable: 'As a table',
    nothing: 'Nothing measured in this time.',
    time: 'Time',
    nothingMeasured: (title: string) => `${title}: nothing measured`,
    latest: (title: string, values: string) =>
      `${title}, latest: ${values}. All figures are in the table below.`,
    ttft: {
      title: 'Time to first token',
      hint: 'From the arrival of a question to the first word of its answer.',
      series: ['Median', '95 % are faster'],
    },
    speed: {
      title: 'Speed',
      hint: 'Tokens a second while an answer is written, median.',
      series: ['tok/s'],
    },
    memory: {
      title: 'Memory',
      hint: 'Used by hearth, by the GPU, and left on the machine.',
      series: ['hearth', 'GPU', 'Left'],
    },
    peak: {
      title: 'Peak memory of answers',
      hint: 'The highest while answering.',
      series: ['hearth', 'GPU'],
    },
    context: {
      title: 'Context used',
      hint: 'How full the context was at most; full means that turns are cut.',
      series: ['Fullest'],
    },
    answers: {
      title: 'Answers and errors',
      hint: 'How many, in each span of time.',
      series: ['Answered', 'Failed'],
    },
    temperature: {
      title: 'Temperature',
      hint: 'Of the processor and the GPU.',
      series: ['Processor', 'GPU'],
    },
  },

  tiles: {
    answers: 'Answers',
    written: (tokens: string) => `${tokens} tokens written`,
    firstToken: 'First token',
    within: (time: string) => `95 % within ${time}`,
    speed: 'Speed',
    slowest: (rate: string) => `slowest 5 % below ${rate}`,
    peak: 'Peak memory',
    ofHearth: 'of hearth',
    gpu: (size: string) => `GPU ${size}`,
    errors: 'Errors',
    noneFailed: 'none failed',
    failedPart: (part: string) => `${part} of all`,
    cut: 'Cut turns',
    cutWords: 'left out of a full context',
    engine: 'Engine',
    model: 'Model',
    modelOn: (name: string, device: string) => `${name} on ${device}`,
    loaded: 'Loaded',
    loadedOf: (names: string, all: number) => `${names || 'none'}, of ${all} models`,
    memoryNow: 'Memory now',
    answering: 'Answering',
    places: (busy: number, all: number) => `${busy} of ${all} places`,
    context: 'Context',
    of: (used: string, all: string) => `${used} of ${all}`,
    log: 'Log',
    states: {
      loading: 'loading',
      ready: 'ready',
      restarting: 'restarting',
      failed: 'failed',
      closed: 'closed',
      unloaded: 'unloaded until it is asked',
    },
    restarted: (times: number) => `, restarted ${times === 1 ? 'once' : `${times} times`}`,
    noLog: 'keeps no log',
    allLogged: 'every answer is in the log',
    unlogged: (rows: string, why: string) => `${rows} answers are not in the log: ${why}`,
  },

  tables: {
    byModel: 'By model',
    byDay: 'By day',
    errors: 'Errors',
    noErrors: 'No errors in this time.',
    answers: 'All answers',
    noAnswers: 'No answers in this time.',
    newest: 'Newest',
    newer: 'Newer',
    older: 'Older',
    pages: 'Pages of answers',
    model: 'Model',
    day: 'Day',
    answerCount: 'Answers',
    memory: 'Memory',
    gpuMemory: 'GPU memory',
    cut: 'Cut turns',
    error: 'Error',
    times: 'Times',
    last: 'Last',
    said: 'What was said',
    time: 'Time',
    result: 'Result',
    prompt: 'Prompt',
    cached: 'Cached',
    answer: 'Answer',
    total: 'Total',
    context: 'Context',
  },
};

export type Texts = typeof en;
