using TicketModel = TicketsApi.TicketModel;

var builder = WebApplication.CreateBuilder(args);
builder.Services.AddOpenApi();
builder.Services.AddHealthChecks();
builder.Services.ConfigureHttpJsonOptions(options => options.SerializerOptions.RespectNullableAnnotations = true);
builder.Services.AddSingleton<TicketModel.EnginePool>();

var app = builder.Build();
app.Services.GetRequiredService<TicketModel.EnginePool>();      // a model that cannot be loaded ends the program here
app.MapOpenApi();
app.MapHealthChecks("/health");
app.MapPost("/predict", (TicketModel.PredictionRequest request, TicketModel.EnginePool engines) => engines.Predict(request)).WithName("Predict");
await app.RunAsync();
