// Starts Redoc on the page of /redoc, over the document of the service that served it. Its search would need a worker
// made of a string, which the page's content security policy does not allow.
Redoc.init("./openapi.json", { disableSearch: true, nativeScrollbars: true }, document.getElementById("page"));
