import type { Observable } from 'rxjs';

/** A version of a group that an extension server serves, as discovery tells of it. */
export interface ExtensionVersion {
  readonly group: string;
  readonly version: string;
  readonly groupPriority: number;
  readonly versionPriority: number;
  /** `undefined`: the server does not answer now, or has not yet. */
  readonly resources: readonly DiscoveredResource[] | undefined;
}

/** A resource as in `apidiscovery.k8s.io/v2`. */
export type DiscoveredResource = Readonly<Record<string, unknown>>;

/** What an extension server says of its API, as OpenAPI v2. */
export interface ExtensionDocument {
  readonly paths: Readonly<Record<string, unknown>>;
  readonly definitions: Readonly<Record<string, unknown>>;
}

/** What is known of the extension servers, for discovery and OpenAPI. */
export interface Extensions {
  versions(): readonly ExtensionVersion[];
  /** By place (`apis/GROUP/VERSION`), where OpenAPI v3 of it is to be had from this server. */
  openApiPlaces(): ReadonlyMap<string, string>;
  openApiDocuments(): readonly ExtensionDocument[];
  /** After any of it changed. */
  readonly changes$: Observable<void>;
}
