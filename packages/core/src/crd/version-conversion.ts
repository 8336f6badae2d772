import { isJsonObject, type JsonObject } from '../machinery/index.ts';

/** Turns an object of one version into another version of its kind. */
export interface ResourceConversion {
  readonly group: string;
  readonly kind: string;
  /** The version that all others are converted to and from. */
  readonly hub: string;
  readonly versions: readonly string[];
  /**
   * @param desiredAPIVersion for example `example.com/v1`
   * @throws TypeError for an object or a version of something else; and what a conversion throws
   */
  convert(object: JsonObject, desiredAPIVersion: string): JsonObject;
}

/** Both ways between one version and the hub. An object has its metadata kept, but for labels and annotations that are given. */
export interface HubConversion {
  toHub(object: JsonObject): object;
  fromHub(object: JsonObject): object;
}

/** By way of the hub: with n versions there are n - 1 conversions each way, and none is forgotten. */
export function conversionByHub(
  { group, kind }: { readonly group: string; readonly kind: string },
  hub: string,
  conversions: ReadonlyMap<string, HubConversion>,
): ResourceConversion {
  const versions = [hub, ...conversions.keys()];
  const versionIn = (apiVersion: unknown): string => {
    const version = versions.find((each) => apiVersion === `${group}/${each}`);
    if (version !== undefined) return version;
    throw new TypeError(`${String(apiVersion)} is no version of ${kind}.${group}`);
  };
  return {
    group,
    kind,
    hub,
    versions,
    convert(object, desiredAPIVersion) {
      if (object['kind'] !== kind) throw new TypeError(`${String(object['kind'])} is not ${kind}.${group}`);
      const [from, to] = [versionIn(object['apiVersion']), versionIn(desiredAPIVersion)];
      if (from === to) return object;
      const up = conversions.get(from);
      const down = conversions.get(to);
      const inHub = up ? converted(object, `${group}/${hub}`, (each) => up.toHub(each)) : object;
      return down ? converted(inHub, desiredAPIVersion, (each) => down.fromHub(each)) : inHub;
    },
  };
}

function converted(object: JsonObject, apiVersion: string, convert: (object: JsonObject) => object): JsonObject {
  const { spec, status: _, ...rest } = object;
  // Also a part of an object is converted, for server-side apply: it need not have a spec.
  const given = convert(isJsonObject(spec) ? object : { ...object, spec: {} });
  const content: unknown = JSON.parse(JSON.stringify(given));
  if (!isJsonObject(content)) throw new TypeError(`the conversion to ${apiVersion} gave no object`);
  const metadata = isJsonObject(object['metadata']) ? object['metadata'] : {};
  const { labels, annotations } = isJsonObject(content['metadata']) ? content['metadata'] : {};
  return {
    ...rest,
    apiVersion,
    metadata: {
      ...metadata,
      ...(labels !== undefined && { labels }),
      ...(annotations !== undefined && { annotations }),
    },
    ...(content['spec'] !== undefined &&
      (spec !== undefined || !isEmpty(content['spec'])) && { spec: content['spec'] }),
    ...(content['status'] !== undefined && { status: content['status'] }),
  };
}

const isEmpty = (value: unknown) => isJsonObject(value) && Object.keys(value).length === 0;
