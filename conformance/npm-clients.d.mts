export function npmClientVersion(name: string): string;
export function npmClient(name: string): string;
export function installNpmClient(name: string): string;
