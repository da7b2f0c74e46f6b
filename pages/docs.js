// Starts Swagger UI on the page of /docs, over the document of the service that served it.
SwaggerUIBundle({
    url: "./openapi.json",
    dom_id: "#page",
    deepLinking: true,
    displayRequestDuration: true,
    persistAuthorization: false,
    validatorUrl: null,
});
