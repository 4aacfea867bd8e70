# The controller with its broker. Agents are installed on devices: see device-images/.
#   docker build -t edgefleet-controller .
#   docker run -v edgefleet:/data -p 127.0.0.1:8080:8080 -p 8441:8441 -p 8443:8443 -p 8883:8883 \
#     -e EDGEFLEET_NAME=fleet.example.org edgefleet-controller
FROM mcr.microsoft.com/dotnet/sdk:10.0 AS build
WORKDIR /checkout
COPY global.json Directory.Build.props Directory.Packages.props ./
COPY protos protos
COPY src src
RUN dotnet publish src/EdgeFleet.Controller/EdgeFleet.Controller.csproj --configuration Release --output /app

FROM mcr.microsoft.com/dotnet/aspnet:10.0 AS runtime

# Debian for mosquitto and SQLite, whose security fixes come with the distribution; the runtime is copied in.
FROM debian:12-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates libgcc-s1 libsqlite3-0 libssl3 libstdc++6 mosquitto zlib1g \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin edgefleet \
    && install --directory --mode 0700 --owner edgefleet --group edgefleet /data
COPY --from=runtime /usr/share/dotnet /usr/share/dotnet
COPY --from=build /app /opt/edgefleet
ENV DOTNET_ROOT=/usr/share/dotnet \
    EDGEFLEET_DATA=/data \
    EDGEFLEET_OPERATOR_URL=http://0.0.0.0:8080
USER edgefleet
VOLUME /data
# Operators (publish it on loopback or behind a proxy that speaks TLS), enrolment, devices, reports.
EXPOSE 8080 8441 8443 8883
ENTRYPOINT ["/usr/share/dotnet/dotnet", "/opt/edgefleet/edgefleet-controller.dll"]
