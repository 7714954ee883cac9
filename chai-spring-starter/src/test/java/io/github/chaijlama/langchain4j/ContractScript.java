// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.langchain4j;

/** Answers to what LangChain4j's contract tests ask, calls in the form of Pocket. */
final class ContractScript {
    private static final String TWO_PEOPLE = "{\"values\": [{\"name\": \"Klaus\", \"age\": 37, \"height\": 1.78, "
            + "\"married\": false}, {\"name\": \"Franny\", \"age\": 35, \"height\": 1.65, \"married\": true}]}";
    private static final String DATE = "{\"year\": 1976, \"month\": 8, \"day\": 12}";
    private static final String TIME = "{\"hour\": 14, \"minute\": 43, \"second\": 0, \"nano\": 0}";

    private ContractScript() {}

    static Script script() {
        Script script = new Script();
        chat(script);
        tools(script);
        objects(script);
        values(script);
        return script;
    }

    private static String call(String name, String parameters) {
        return "{\"name\": \"" + name + "\", \"parameters\": {" + parameters + "}}";
    }

    private static String add(int a, int b) {
        return call("add", "\"arg0\": " + a + ", \"arg1\": " + b);
    }

    private static void chat(Script script) {
        script.sayAs("What is the capital of Germany?", "JSON", "{\"city\": \"Berlin\"}");
        script.say("What is the capital of Germany?", "The capital of Germany is Berlin.");
        script.say("Translate: 'I love you'", "Ich liebe dich.");
        script.say("What is my favorite color?", "Your favorite color is green.");
        script.say("Say 'Hello World'", "Hello World");
        script.say("Tell me a long story about animals",
                "Once upon a time there were a fox, an owl and a very small bear who lived near the river.");
        script.say("hello", "Hello! How are you?");
    }

    private static void tools(Script script) {
        script.sayAs("What is the weather in Munich? Use 'getWeather' tool", "JSON",
                call("getWeather", "\"arg0\": \"Munich\""), "{\"city\": \"Munich\", \"weather\": \"SUNNY\"}");
        script.sayAs("What is the weather in Munich?", "JSON", call("getWeather", "\"city\": \"Munich\""),
                "{\"weather\": \"sunny\"}");
        script.say("What is the weather in Munich?", "I shall see. " + call("getWeather", "\"city\": \"Munich\""),
                "It is sunny in Munich.");
        script.say("What is the time now? Use the get_current_time tool.", call("get_current_time", ""),
                "It is 10:14.");
        script.say("What is the weather in Munich and time in France?", call("getWeather", "\"city\": \"Munich\"")
                + "\n" + call("getTime", "\"country\": \"France\""), "It is sunny in Munich and 14:35 in France.");
        script.say("I live in Munich", call("getWeather", "\"city\": \"Munich\""));
        script.say("What is the date today?", call("currentDate", ""), "That is the date.");
        script.say("How much is 37 plus 87? How much is 73 plus 78?", add(37, 87) + add(73, 78),
                "The sums are 124 and 151.");
        script.say("How much is 37 plus 87?", add(37, 87), "37 + 87 = 124");
        script.say("Now add 47 to the previous result", add(124, 47), "171");
        script.say("First add 2 and 3", add(2, 3), call("multiply", "\"arg0\": 5, \"arg1\": 4"), "The result is 20.");
        script.say("What is the time now? Respond in HH:MM:SS format.", call("currentTime", ""), "17:11:45");
        script.say("What is the current temperature in Munich in celsius?",
                call("currentTemperature", "\"arg0\": \"Munich\", \"arg1\": \"CELSIUS\""), "It is 19 degrees.");
        script.say("What is the username with ID",
                call("getUsernameFromId", "\"arg0\": \"62dbcc27-aaf3-449a-b12d-5a904271a57f\""), "It is Alice.");
        script.say("Call tool 'modify' for argument '7'", call("modify", "\"arg0\": 7"), "Done.");
        script.say("Take a photo", call("takePhoto", ""), "Done.");
        process(script, "Klaus is 37 years old, 1.78m height and single",
                "{\"name\": \"Klaus\", \"age\": 37, \"height\": 1.78, \"married\": false}");
        process(script, "Klaus lives in Langley Falls",
                "{\"name\": \"Klaus\", \"address\": {\"city\": \"Langley Falls\"}}");
        process(script, "Francine has 2 children: Steve and Hayley", "{\"name\": \"Francine\", \"children\": "
                + "[{\"name\": \"Steve\", \"children\": []}, {\"name\": \"Hayley\", \"children\": []}]}");
        script.say("Klaus is 42 years old and Francine is 47 years old",
                call("process", "\"arg0\": {\"Klaus\": 42, \"Francine\": 47}"), "Done.");
        script.say("Process the following names: Klaus and Franny",
                call("processNames", "\"arg0\": [\"Klaus\", \"Franny\"]"), "Done.");
        script.say("Process the following colors: RED and GREEN", call("process", "\"arg0\": [\"RED\", \"GREEN\"]"),
                "Done.");
        script.say("Process the following integers: 37, 73", call("processNumbers", "\"arg0\": [37, 73]"), "Done.");
        script.say("Process the following people: Klaus and Franny",
                call("process", "\"arg0\": [{\"name\": \"Klaus\"}, {\"name\": \"Franny\"}]"), "Done.");
    }

    private static void process(Script script, String what, String argument) {
        script.say("Use 'process' tool to process the following: " + what, call("process", "\"arg0\": " + argument),
                "Done.");
    }

    private static void objects(Script script) {
        String person = "Extract the person's information from the following text";
        script.say(person + ": Klaus is 37 years old",
                "{\"name\": \"Klaus\", \"age\": 37, \"height\": 1.78, \"married\": false}");
        script.say("Text: 'Klaus'", "{\"name\": \"Klaus\"}");
        script.say("Klaus wants a delivery to Langley Falls", "{\"name\": \"Klaus\", \"shippingAddress\": "
                + "{\"city\": \"Langley Falls\"}, \"billingAddress\": {\"city\": \"New York\"}}");
        script.say(person + ": Klaus is single", "{\"name\": \"Klaus\", \"maritalStatus\": \"SINGLE\"}");
        script.say("Klaus likes orange and green",
                "{\"name\": \"Klaus\", \"favouriteColors\": [\"orange\", \"green\"]}");
        script.say("Klaus has 2 pets",
                "{\"name\": \"Klaus\", \"pets\": [{\"name\": \"Peanut\"}, {\"name\": \"Muffin\"}]}");
        script.say("Klaus is assigned to groups A and C", "{\"name\": \"Klaus\", \"groups\": [\"A\", \"C\"]}");
        script.say("Klaus was born at 14:43",
                "{\"name\": \"Klaus\", \"birthDate\": " + DATE + ", \"birthTime\": " + TIME
                        + ", \"birthDateTime\": {\"date\": " + DATE + ", \"time\": " + TIME + "}}");
        script.say("Klaus and Francine", "{\"values\": [{\"name\": \"Klaus\"}, {\"name\": \"Francine\"}]}");
        script.say(person + ": Klaus", "{\"name\": \"Klaus\"}");
        script.say("Francine has 2 children", "{\"name\": \"Francine\", \"children\": [{\"name\": \"Steve\", "
                + "\"children\": []}, {\"name\": \"Hayley\", \"children\": []}]}");
        script.say("Klaus can be identified",
                "{\"id\": \"567b229a-6b0a-4f1e-9006-448cd9dfbfda\", \"name\": \"Klaus\"}");
        script.say("Rex is a Labrador dog",
                "{\"value\": {\"type\": \"Dog\", \"name\": \"Rex\", \"breed\": \"Labrador\"}}");
        script.say("Rex is a Labrador. Whiskers is an indoor cat.",
                "{\"values\": [{\"type\": \"Dog\", \"name\": \"Rex\", \"breed\": \"Labrador\"}, "
                        + "{\"type\": \"Cat\", \"name\": \"Whiskers\", \"indoor\": true}]}");
        script.say("Alice owns a Labrador dog named Rex.",
                "{\"name\": \"Alice\", \"pet\": {\"type\": \"Dog\", \"name\": \"Rex\", \"breed\": \"Labrador\"}}");
        script.say("1+2+3 as a syntax tree", "{\"value\": {\"type\": \"Addition\", \"left\": {\"type\": \"Addition\", "
                + "\"left\": {\"type\": \"Constant\", \"value\": 1}, \"right\": {\"type\": \"Constant\", \"value\": "
                + "2}}, "
                + "\"right\": {\"type\": \"Constant\", \"value\": 3}}}");
    }

    private static void values(Script script) {
        String two = "Klaus is 37 years old, 1.78m height and single. Franny is 35 years old";
        script.say("Staniel is 33 years old", "{\"values\": [\"SINGLE\", \"MARRIED\", \"MARRIED\"]}");
        script.sayAs(two, "married", TWO_PEOPLE);
        script.sayAs(two, "values", "{\"values\": [\"Klaus\", \"Franny\"]}");
        script.sayAs(two, "JSON", "{\"value\": 2}");
        script.say("Klaus is a 37-year-old man", "{\"value\": true}");
        script.say("The average temperature of the coldest month", "{\"value\": -0.5}");
        script.say("Klaus is 37 years old, 1.78m height and single.", "{\"value\": \"SINGLE\"}");
        script.say("The weather in Berlin was sunny and windy.",
                "{\"values\": [\"SUNNY\", \"WINDY\", \"RAINY\", \"CLOUDY\"]}");
    }
}
