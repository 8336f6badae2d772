export const cacheDir: string;
export function binary(name: string): string;
