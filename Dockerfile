# One image for all services; the argument says which: watcher, dispatcher or tracker.
#   docker build -t landfall . && docker run -e LANDFALL_WORLD=gcp ... landfall dispatcher
FROM node:20-slim AS build
WORKDIR /landfall
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts
COPY . .
RUN npm run -s build && npm prune --omit=dev --ignore-scripts

FROM node:20-slim
ENV NODE_ENV=production
WORKDIR /landfall
COPY --from=build /landfall/package.json ./
COPY --from=build /landfall/node_modules ./node_modules
COPY --from=build /landfall/dist ./dist
USER node
# In the shell's place, so that SIGTERM reaches the service.
ENTRYPOINT ["/bin/sh", "-c", "exec node \"dist/services/$0/main.js\""]
CMD ["dispatcher"]
