import { z } from 'zod';
import { isJsonObject, type JsonObject, messageOf, StatusError } from '../machinery/index.ts';
import type { Webhook } from './webhook-server.ts';

const jsonObject = z.custom<JsonObject>(isJsonObject, 'must be an object');
const reviewSchema = z.object({
  apiVersion: z.literal('apiextensions.k8s.io/v1'),
  kind: z.literal('ConversionReview'),
  request: z.object({ uid: z.string().min(1), desiredAPIVersion: z.string().min(1), objects: z.array(jsonObject) }),
});

/**
 * Makes a webhook of a function from an object to the same in another version (ConversionReview of `apiextensions.k8s.io/v1`,
 * kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definition-versioning). What the function
 * throws for one object is the answer for all of a review, as the server takes all or none.
 *
 * @param convert makes an object, or returns the one that it is given
 */
export function conversionWebhook(convert: (object: JsonObject, desiredAPIVersion: string) => JsonObject): Webhook {
  return async (text) => {
    const { uid, desiredAPIVersion, objects } = readReview(text);
    const convertedObjects: JsonObject[] = [];
    let result: JsonObject = { status: 'Success' };
    for (const object of objects) {
      try {
        convertedObjects.push(convert(object, desiredAPIVersion));
      } catch (error) {
        const message = messageOf(error);
        result = { status: 'Failure', message: `${nameOf(object)}: ${message}` };
        convertedObjects.length = 0;
        break;
      }
    }
    const response = { uid, convertedObjects, result };
    return JSON.stringify({ apiVersion: 'apiextensions.k8s.io/v1', kind: 'ConversionReview', response });
  };
}

function readReview(text: string): z.output<typeof reviewSchema>['request'] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw StatusError.badRequest('the body is no JSON');
  }
  const parsed = reviewSchema.safeParse(json);
  if (parsed.success) return parsed.data.request;
  throw StatusError.badRequest(
    `the body is no ConversionReview of apiextensions.k8s.io/v1: ${z.prettifyError(parsed.error)}`,
  );
}

function nameOf({ metadata }: JsonObject): string {
  const { namespace, name } = isJsonObject(metadata) ? metadata : {};
  return [namespace, name].filter((each) => typeof each === 'string' && each !== '').join('/') || 'an object';
}
