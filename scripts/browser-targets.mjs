// What the pages and the report are built for: browsers since 2023.
export const BROWSER_TARGETS = ['es2022', 'chrome110', 'firefox115', 'safari16.4'];
