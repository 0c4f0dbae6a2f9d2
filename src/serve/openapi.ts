import { z } from 'zod'
import { versions } from '../common/files/package.ts'
import type { Dialect, Route, Served } from './dialect.ts'

/** The OpenAPI 3.1 document of what is served. */
export function openApi(dialects: readonly Dialect[], served: Served): object {
  const paths: Record<string, Record<string, object>> = {}
  for (const dialect of dialects)
    for (const route of dialect.routes) {
      const path = route.path.replaceAll(/:(\w+)(\{[^}]*\})?/g, '{$1}')
      paths[path] ??= {}
      paths[path][route.method.toLowerCase()] ??= operation(dialect, route)
    }
  return {
    openapi: '3.1.0',
    info: { title: 'Ruminate', description: `Serves ${served.names[0]}`, version: versions().ruminate },
    paths,
    components: { securitySchemes: { key: { type: 'http', scheme: 'bearer' } } },
    security: [{}, { key: [] }],
  }
}

function operation({ title }: Dialect, route: Route): object {
  const names = [...route.path.matchAll(/:(\w+)/g)].map(([, name]) => name!)
  return {
    summary: route.about,
    tags: [title],
    ...(names.length > 0
      ? {
          parameters: names.map((name) => ({ name, in: 'path', required: true, schema: { type: 'string' } })),
        }
      : {}),
    ...(route.schema
      ? {
          requestBody: {
            required: true,
            content: {
              'application/json': {
                schema: z.toJSONSchema(route.schema, { io: 'input', unrepresentable: 'any' }),
              },
            },
          },
        }
      : {}),
    responses: {
      200: { description: 'The response' },
      default: { description: 'An error, in the shape of the dialect' },
    },
  }
}
